// The canvas: what its buttons tell the page, and a window that shows every pixel.
const html = `
  <div class="frame"><form method="dialog">
    <button type="button" data-do="fit">Whole picture</button>
    <button type="button" data-do="real">Real pixels</button>
    <button type="button" data-do="screen">Full screen</button>
    <button data-do="close">Close</button>
  </form>
  <div class="pane" tabindex="0" role="region" aria-label="The picture: arrows move it"><img></div></div>`;

const window_of = () => {
  const there = document.getElementById('viewer');
  if (there) return there;
  const viewer = document.createElement('dialog');
  viewer.id = 'viewer';
  viewer.setAttribute('aria-label', 'The painting');
  viewer.innerHTML = html;
  element.closest('.gradio-container').append(viewer);
  const pane = viewer.querySelector('.pane');
  viewer.addEventListener('click', (event) => {
    const what = event.target.closest('[data-do]')?.dataset.do;
    if (what === 'fit' || what === 'real') look(viewer, what);
    if (what === 'screen') toggle_screen(viewer);
  });
  viewer.addEventListener('close', () => document.fullscreenElement && document.exitFullscreen());
  pane.addEventListener('dblclick', () =>
    look(viewer, viewer.dataset.look === 'real' ? 'fit' : 'real'));
  pane.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'mouse' || event.buttons !== 1) return;
    pane.scrollBy(-event.movementX, -event.movementY);
  });
  pane.querySelector('img').draggable = false;
  return viewer;
};

// One pixel of the picture on one of the screen.
const look = (viewer, how) => {
  const image = viewer.querySelector('img'), pane = viewer.querySelector('.pane');
  viewer.dataset.look = how;
  const real = how === 'real';
  image.style.width = real ? `${image.naturalWidth / devicePixelRatio}px` : '';
  viewer.querySelectorAll('[data-do=fit], [data-do=real]').forEach((button) =>
    button.setAttribute('aria-pressed', button.dataset.do === how));
  pane.scrollTo((pane.scrollWidth - pane.clientWidth) / 2, (pane.scrollHeight - pane.clientHeight) / 2);
};

// A dialog itself may not fill the screen.
const fill_screen = (viewer) => viewer.querySelector('.frame').requestFullscreen();

const toggle_screen = (viewer) =>
  document.fullscreenElement ? document.exitFullscreen() : fill_screen(viewer);

const open = (full, alt, how) => {
  const viewer = window_of(), image = viewer.querySelector('img');
  image.alt = alt;
  image.onload = () => look(viewer, how === 'real' ? 'real' : 'fit');
  image.src = full;
  viewer.showModal();
  if (how === 'screen') fill_screen(viewer);
  viewer.querySelector('.pane').focus();
};

element.addEventListener('click', (event) => {
  const picked = event.target.closest('[data-pick]');
  if (picked) trigger('select', { pick: picked.dataset.pick });
  const button = event.target.closest('[data-look]');
  if (!button) return;
  const { full, alt } = button.closest('[data-full]').dataset;
  open(full, alt, button.dataset.look);
});
