/** A quarter, to be quick. CI's run on PostgreSQL tries all (`PROPERTY_SHARE=1`); a larger number looks further. */
const SHARE = Number(process.env['PROPERTY_SHARE'] ?? 0.25);

/** How many cases of a property are tried, of so many. */
export const propertyRuns = (all: number): number => Math.ceil(all * SHARE);
