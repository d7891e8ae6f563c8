import { z } from 'zod';
import { ENDPOINT_SECRETS, VARIABLE_GROUPS } from '../../src/config/variables.ts';
import { DoctorVariables } from '../../src/doctor/variables.ts';
import { IGNORED_VARIABLES, START_VARIABLES } from '../../src/embedded/environment.ts';
import { LocalWorkosVariables } from '../../src/emulator/environment.ts';
import { PROVIDERS } from '../../src/billing/webhooks/providers.ts';
import { codes, tablesPage } from './page.ts';
import type { Page } from './page.ts';

type Types = Readonly<Record<string, z.ZodType>>;
type Variable = { name: string; meaning: string; fallback: string; values: string };

const INTRODUCTION = `Each process reads its environment once, at its start. Wrong or missing values stop the start with one message that
names all of them and repeats no value. An empty variable counts as unset. There are no default secrets; \`openssl rand -hex 32\`
prints 32 random bytes. The product itself is defined by a file: docs/reference/configuration.md.`;

const INCOMING_WEBHOOKS = 'Incoming billing webhooks' satisfies keyof typeof VARIABLE_GROUPS;
const providerVariables = Object.fromEntries(PROVIDERS.map(({ variable }) => [variable.name, variable.secrets]));

/** Returns the page of every environment variable, from the schemas that read them. */
export function variablesPage(): Promise<Page> {
  const service = Object.entries(VARIABLE_GROUPS).map(([title, types]) => ({
    title,
    entries: variablesOf(title === INCOMING_WEBHOOKS ? { ...providerVariables, ...types } : types),
  }));
  const endpoints = {
    title: 'Outgoing webhooks',
    entries: variablesOf({ [ENDPOINT_SECRETS.name]: ENDPOINT_SECRETS.variables }),
  };
  const start = {
    title: '`npm start`',
    introduction: `Takes the variables of the service, too, on loopback only. It brings a database, a WorkOS and an address of its own, and so
ignores ${codes(IGNORED_VARIABLES)}; it says so where one of them is set.`,
    entries: variablesOf(START_VARIABLES),
  };
  const workos = { title: '`npm run workos`', entries: variablesOf(LocalWorkosVariables.shape) };
  const doctor = {
    title: '`npm run doctor`',
    introduction: 'Takes the variables of the service, too.',
    entries: variablesOf(DoctorVariables.shape),
  };
  return tablesPage(
    { file: 'variables.md', title: 'Environment variables', introduction: INTRODUCTION },
    {
      variable: ({ name }) => codes([name]),
      default: ({ fallback }) => fallback,
      values: ({ values }) => values,
      meaning: ({ meaning }) => meaning,
    },
    [...service, endpoints, start, workos, doctor],
  );
}

function variablesOf(types: Types): Variable[] {
  return Object.entries(types).map(([name, type]) => ({
    name,
    meaning: type.description ?? '',
    fallback: fallbackOf(type),
    values: valuesOf(type),
  }));
}

function fallbackOf(type: z.ZodType): string {
  const { fallback } = type.meta() ?? {};
  if (typeof fallback === 'string') return fallback;
  const unset = type.safeParse(undefined);
  if (!unset.success) return type instanceof z.ZodRecord ? 'none' : '**required**';
  return typeof unset.data === 'string' || typeof unset.data === 'number' ? codes([unset.data]) : 'none';
}

/** Returns the values that a variable takes, where its schema lists or bounds them. */
function valuesOf(type: z.ZodType): string {
  const inner = innerOf(type);
  if (inner instanceof z.ZodEnum) return codes(inner.options);
  return inner instanceof z.ZodNumber ? `${inner.minValue} to ${inner.maxValue}` : '';
}

function innerOf(type: z.core.$ZodType): z.core.$ZodType {
  if (type instanceof z.ZodDefault || type instanceof z.ZodOptional) return innerOf(type.unwrap());
  return type instanceof z.ZodPipe ? innerOf(type.in) : type;
}
