import type { FaultPoint } from '../../src/process/fault-point.ts';

export type Order = { point: string; pass: number };

let order: Order | undefined = fromEnvironment();
let passed = 0;

process.on('message', (message) => {
  order = message as Order;
  passed = 0;
});
// A process that has nothing else to do ends.
process.channel?.unref();

/** Stands in for the service's own: ends the process at the ordered pass of the ordered point, as a power cut would. */
export const passFaultPoint: FaultPoint = (name) => {
  if (name !== order?.point) return;
  passed += 1;
  if (passed === order.pass) process.kill(process.pid, 'SIGKILL');
};

function fromEnvironment(): Order | undefined {
  const { DIE_AT: point, DIE_AT_PASS: pass = '1' } = process.env;
  return point === undefined ? undefined : { point, pass: Number(pass) };
}
