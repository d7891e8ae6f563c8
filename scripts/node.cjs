'use strict';
// `node scripts/node.cjs [NODE-OPTION ...] FILE|TOOL [ARGUMENT ...]`: runs a file, or a tool that this repository has
// installed, on Node 24 or newer. Plain JavaScript, because the Node that reads this may be too old for the rest: it takes its own
// place where it is new enough, else that of the Node that `npm ci` brought along (runtime/package.json). npm 10 does not
// link that one into node_modules/.bin, so that it is found by its path.
const { spawn } = require('node:child_process');
const { existsSync } = require('node:fs');
const { constants } = require('node:os');
const { delimiter, dirname, isAbsolute, join, resolve } = require('node:path');
const { pathToFileURL } = require('node:url');

const NEEDED_MAJOR = 24;
/** Under an older one npm leaves out what the tools are made of, and says nothing. */
const TOOLS_NEED_MAJOR = 20;
const major = Number(process.versions.node.split('.')[0]);
const root = dirname(__dirname);
const given = process.argv.slice(2);
const at = given.findIndex((arg) => !arg.startsWith('-'));
const [options, wanted, args] = at < 0 ? [[], undefined, []] : [given.slice(0, at), given[at], given.slice(at + 1)];

main();

function main() {
  if (wanted === undefined) return fail('usage: node scripts/node.cjs [NODE-OPTION ...] FILE|TOOL [ARGUMENT ...]');
  const file = fileOf(wanted);
  if (file === undefined) return fail(`${wanted} is not installed. Run npm ci in ${root} first.`);
  if (major < TOOLS_NEED_MAJOR && !isFile(wanted)) {
    return fail(
      `Tests and checks need npm ci and npm test to run on Node ${TOOLS_NEED_MAJOR} or newer; this is ${process.version}.`,
    );
  }
  const isNewEnough = major >= NEEDED_MAJOR;
  if (isNewEnough && options.length === 0) return runHere(file);
  const node = isNewEnough ? process.execPath : installedNode();
  if (node === undefined) {
    return fail(
      `Latchkey needs Node ${NEEDED_MAJOR} or newer; this is ${process.version}, and npm ci has installed none for ` +
        `${process.platform}-${process.arch}. Install Node ${NEEDED_MAJOR}, or run npm ci without --omit=optional.`,
    );
  }
  return runOn(node, file);
}

/** A file by its path, else the program that an installed package of that name has. */
function fileOf(name) {
  const path = isAbsolute(name) ? name : resolve(name);
  if (isFile(name)) return existsSync(path) ? path : undefined;
  // The package of a tool need not have the tool's name: typescript has tsc.
  for (const folder of [name, 'typescript']) {
    const manifest = join(root, 'node_modules', folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const { bin } = require(manifest);
    const program = typeof bin === 'string' ? bin : bin && bin[name];
    if (program !== undefined) return join(dirname(manifest), program);
  }
  return undefined;
}

function isFile(name) {
  return /\.[cm]?[jt]s$/.test(name);
}

function installedNode() {
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const folder = join(root, 'node_modules', `node-${os}-${process.arch}`, 'bin');
  return [join(folder, 'node'), join(folder, 'node.exe')].find((path) => existsSync(path));
}

/** In this process, as if it had been started with the file. */
function runHere(file) {
  process.argv.splice(1, 2, file);
  import(pathToFileURL(file).href).catch((error) => {
    process.stderr.write(`${error.stack || error}\n`);
    process.exit(1);
  });
}

/** In a process of its own, which takes this one's place where Node can do that, and else gets its signals. */
function runOn(node, file) {
  // What it starts by the name of node, npm above all, runs on the same.
  const env = { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) };
  if (process.execve && process.platform !== 'win32')
    return process.execve(node, [node, ...options, file, ...args], env);
  const child = spawn(node, [...options, file, ...args], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => pass(signal, child));
  child.on('error', (error) => fail(`${node} cannot run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + constants.signals[signal] : code));
}

/** A terminal sends Ctrl-C to both processes; a second one would end the service before it has stopped in order. */
function pass(signal, child) {
  if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
}

function fail(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}
