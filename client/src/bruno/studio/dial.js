element.addEventListener('input', (event) => {
  if (event.target.type !== 'range') return;
  props.value = props.stops[Number(event.target.value)];
  trigger('input');
});
element.addEventListener('change', (event) => {
  if (event.target.type !== 'number') return;
  const typed = event.target.value;
  props.value = typed === '' ? null : Number(typed);
  trigger('input');
});
