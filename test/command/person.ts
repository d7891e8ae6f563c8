import { PASSWORD, addPerson } from '../sessions/sign-in/sign-in.ts';
import type { Service } from '../support/service.ts';
import { addressOf } from './terminal.ts';

/** A person who answers in a browser while the command waits. */
export async function makePerson(service: Service, answer: 'confirm' | 'deny', organizations = 1) {
  const person = await addPerson(service, organizations);
  const submit = async (fields: Record<string, string>) =>
    fetch(`${service.workos.url}/device`, { method: 'POST', body: new URLSearchParams(fields) });
  let code = '';
  const watching: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (addressOf(input).endsWith('/authorize/device'))
      code = ((await response.clone().json()) as { user_code: string }).user_code;
    return response;
  };
  const browse = async () => {
    await submit({ user_code: code, answer });
    if (answer === 'confirm') await submit({ user_code: code, email: person.email, password: PASSWORD });
  };
  return { person, terminal: { fetch: watching, sleep: browse } };
}
