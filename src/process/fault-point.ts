/**
 * A named place between two steps where a process may die. The service passes through; the crash test kills it there.
 */
export type FaultPoint = (name: string) => Promise<void> | void;

export const passFaultPoint: FaultPoint = () => undefined;
