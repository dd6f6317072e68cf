"""Many paintings: who begins them, who has the next turn, and what memory they may take."""
