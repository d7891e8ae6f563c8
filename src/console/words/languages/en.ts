import { enCi } from './en-ci.ts';
import { enKeys } from './en-keys.ts';
import { enWebhooks } from './en-webhooks.ts';

/** English, with the words of every page of the console. */
export const en = {
  ...enKeys,
  ...enWebhooks,
  ...enCi,

  // Everywhere
  nothingChanged: 'Nothing is changed.',
  skipToContent: 'Skip to the content',
  navigation: 'Pages',
  notFound: 'There is no such page',
  goToKeys: 'Go to the keys',
  cannotShow: 'The console cannot be shown',

  // Session
  signOut: 'Sign out',
  signedOut: 'You are signed out',
  signedIn: 'You are signed in',
  signInAgain: 'Sign in again',
  signInInNewTab: 'Sign in in a new tab',
  signInFailed: 'The sign-in did not succeed',
  goBackToTab: 'Go back to the first tab and repeat what you were doing.',
  signedOutStale: 'The sign-in took too long, or began in another browser. Start again.',
  signedOutDenied: 'Your account may not open this organization. Ask an owner for access.',
  signedOutChoice: 'Choose the organization while you sign in.',
  signedOutCookie: 'This browser does not keep the cookie of the session. Allow cookies for this site.',
  signedOutFailed: 'Something went wrong on the way. Start again; if it persists, give the request id to support.',

  // Organization and billing
  auditLog: 'Audit log',
  plan: 'Plan',
  planAndLimits: 'Plan and limits',
  rateLimitOfKeys: 'Rate limit of a key',
  rateLimitOfAll: 'Rate limit of all keys together',
  concurrencyOfKeys: 'Concurrent requests of a key',
  longestLifetime: 'Longest lifetime of a key',
  ratePer: (limit: string, window: string) => `${limit} in ${window}`,
  allowList: 'Allowed addresses',
  allowListHelp:
    'People, machines and keys of the organization are accepted from these addresses only; from everywhere, if there are none.',

  // List of keys
  statusActive: 'Active',

  // One key
  keyId: 'Key id',
  createdBy: 'Created by',
  lastAddress: 'From address',
  lastClient: 'By client',
  replacedBy: 'Replaced by',
  replaces: 'Replaces',
  origin: 'Made in',
  revokedAt: 'Revoked',
  suspension: 'Suspension',
  suspend: 'Suspend',
  suspendKey: 'Suspend key',
  suspendHelp: 'What uses the key is refused at once, until you resume it. Its expiry goes on.',
  suspendOneOfTwo: 'This key alone stops. The other one of its rotation goes on.',
  suspensionReason: 'Reason',
  suspensionReasonHelp: 'For the people who see the key. The audit log has it, too.',
  suspendedNamed: (label: string) => `${label} is suspended.`,
  suspendedBy: (name: string) => `Suspended by ${name}`,
  suspendedMeans: 'Requests with this key are refused until it is resumed.',
  showSuspended: 'Show suspended keys',
  resume: 'Resume',
  resumeKey: 'Resume key',
  resumeHelp: 'The key works again at once, with the same secret.',
  resumedNamed: (label: string) => `${label} works again.`,
  showInAudit: 'Show in the audit log',
  addressesOfKey: 'Accepted from',
  everywhere: 'Everywhere',
  asPlanned: 'As the plan says',
  countdown: (time: string) => `Works for ${time} more`,
  metadata: 'Metadata',

  // Usage
  last24Hours: 'Last 24 hours',
  last7Days: 'Last 7 days',
  last30Days: 'Last 30 days',
  last90Days: 'Last 90 days',
  range: 'Time range',
  requests: 'Requests',
  refused: 'Refused',
  noUsage: 'No requests in this time',
  inUtc: 'Hours and days are those of UTC.',
  asTable: 'Show as a table',
  time: 'Time',
  total: 'Total',
  plotHelp: 'Move through the bars with the arrow keys.',
  busiestKeys: 'Busiest keys',

  // Audit log
  event: 'Event',
  actor: 'By',
  target: 'About',
  address: 'Address',
  from: 'From',
  until: 'Until',
  anyAction: 'All events',
  action: 'Event',
  actorId: 'Id of who did it',
  targetId: 'Id of what it was done to',
  downloadCsv: 'Download CSV',
  details: 'Details',
  noEvents: 'No events',
  noEventsHelp: 'Nothing that fits the filters was recorded.',
  loadMore: 'Load more',

  // Shortcuts and inactivity
  shortcuts: 'Keyboard shortcuts',
  shortcutsOn: 'Use shortcuts',
  shortcutSearch: 'Search',
  shortcutCreate: 'Create a key',
  shortcutHelp: 'Show shortcuts',
  stillThere: 'Are you still there?',
  sessionEndsIn: (time: string) => `The session ends in ${time}, because nothing was done.`,
  stayHere: 'Stay signed in',

  // Outcomes
  codeValid: 'Accepted',
  codeRevoked: 'Revoked',
  codeExpired: 'Expired',
  codeSuspended: 'Suspended',
  codeEnvironmentMismatch: 'Wrong environment',
  codeInsufficientScope: 'Permission missing',
  codeIpNotAllowed: 'Address not allowed',
  codeBillingInactive: 'Billing inactive',
  codeRateLimited: 'Rate limited',
  codeConcurrencyLimited: 'Too many at once',
};
