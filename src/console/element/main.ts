import type { GetToken, LatchkeyKeysElement } from '../../element/element.ts';
import { makeView } from './view.ts';

const NAME = 'latchkey-keys';

/** Registers `<latchkey-keys>`, unless it is registered, or there is no browser. */
function define(): void {
  if (!('customElements' in globalThis) || customElements.get(NAME)) return;
  // A class, since the platform makes custom elements of nothing else.
  class LatchkeyKeys extends HTMLElement implements LatchkeyKeysElement {
    static readonly observedAttributes = ['base-url', 'lang', 'theme'];
    readonly #view = makeView(this, this.attachShadow({ mode: 'open' }));
    #getToken: GetToken | undefined;

    get getToken(): GetToken | undefined {
      return this.#getToken;
    }

    set getToken(getToken: GetToken | undefined) {
      if (getToken === this.#getToken) return;
      this.#getToken = getToken;
      this.#view.begin();
    }

    connectedCallback(): void {
      takeEarly(this);
      this.#view.connect();
    }

    disconnectedCallback(): void {
      this.#view.disconnect();
    }

    attributeChangedCallback(name: string, before: string | null, after: string | null): void {
      if (before === after) return;
      if (name === 'theme') this.#view.draw();
      else this.#view.begin();
    }
  }
  customElements.define(NAME, LatchkeyKeys);
}

/** A callback that was set before the element was registered hides the property of its class. */
function takeEarly(element: LatchkeyKeysElement): void {
  if (!Object.hasOwn(element, 'getToken')) return;
  const { getToken } = element;
  Reflect.deleteProperty(element, 'getToken');
  element.getToken = getToken;
}

define();
