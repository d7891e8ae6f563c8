import { getToken } from './session.js';

const keys = document.querySelector('latchkey-keys');
const heard = document.querySelector('#heard');

keys.getToken = getToken;
keys.addEventListener('latchkey-key-created', ({ detail }) => note(`created: ${detail.key.label}`));
keys.addEventListener('latchkey-key-rotated', ({ detail }) => note(`rotated: ${detail.key.label}`));
keys.addEventListener('latchkey-key-revoked', ({ detail }) => note(`revoked: ${detail.id}`));
keys.addEventListener('latchkey-session-ended', () => note('the session has ended'));

function note(text) {
  heard.textContent = `Last event: ${text}`;
}
