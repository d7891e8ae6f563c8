/** A named point between two steps, at which the crash test kills the process. The service passes through. */
export type FaultPoint = (name: string) => Promise<void> | void;

export const passFaultPoint: FaultPoint = () => undefined;
