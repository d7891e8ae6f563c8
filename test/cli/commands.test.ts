import { describe, expect, it } from 'vitest';
import { COMMANDS, describeOption, helpOf, usageOf } from '../../src/cli/commands.ts';
import type { Command, CommandName } from '../../src/cli/commands.ts';

const commands = Object.entries<Command>(COMMANDS);

describe('COMMANDS', () => {
  it('has every option in a usage, but for former names', () => {
    const unused = commands.flatMap(([name, { options, usage }]) =>
      Object.entries(options)
        .filter(
          ([option, { meaning }]) => !meaning.startsWith('the former name') && !usage.join().includes(`--${option}`),
        )
        .map(([option]) => `${name} --${option}`),
    );
    expect(unused).toEqual([]);
  });

  it('has every option of a usage', () => {
    const unknown = commands.flatMap(([name, { options, usage }]) =>
      [...usage.join().matchAll(/--([a-z-]+)/g)]
        .filter(([, option]) => options[option!] === undefined)
        .map(([option]) => `${name} ${option}`),
    );
    expect(unknown).toEqual([]);
  });

  it('has a meaning for exit code 0 and for a failure of every command', () => {
    expect(commands.filter(([, { exitCodes }]) => !(0 in exitCodes && 1 in exitCodes)).map(([name]) => name)).toEqual(
      [],
    );
  });
});

describe('usageOf', () => {
  it.each<[CommandName, string]>([
    ['start', 'Usage: npm start'],
    ['migrate', 'Usage: npm run migrate'],
    ['scan', 'Usage: npm run scan -- [--json] PATH [PATH…]'],
    ['webhooks', 'Usage: npm run webhooks -- list [--dead] [--organization ID]\n       npm run webhooks -- replay ID'],
  ])('shows how %s is called', (name, usage) => {
    expect(usageOf(name)).toBe(usage);
  });
});

describe('helpOf', () => {
  it('shows usage, meaning, options and exit codes, without the marks of Markdown', () => {
    expect(helpOf('workos')).toBe(`Usage: npm run workos -- [--seed FILE]

Starts the local WorkOS alone.

Options:
  --seed  a YAML file with the world to begin with; else LOCAL_WORKOS_SEED

Exit codes:
  0  stopped by a signal
  1  did not start`);
  });

  it('shows no options where there are none', () => {
    expect(helpOf('migrate')).not.toContain('Options');
  });
});

describe('describeOption', () => {
  it('adds the default of an option that takes a value', () => {
    expect(describeOption({ type: 'string', default: '50', meaning: 'how many' })).toBe('how many; `50` unless given');
    expect(describeOption({ type: 'boolean', default: false, meaning: 'prints for programs' })).toBe(
      'prints for programs',
    );
  });
});
