export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

/** WorkOS writes timestamps as ISO-8601 UTC with milliseconds; in that form text order is time order. */
export const timestamp = (clock: Clock): string => clock().toISOString();

export const timestampIn = (clock: Clock, milliseconds: number): string =>
  new Date(clock().getTime() + milliseconds).toISOString();
