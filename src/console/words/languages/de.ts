import { deCi } from './de-ci.ts';
import { deKeys } from './de-keys.ts';
import { deWebhooks } from './de-webhooks.ts';
import type { PageWords } from '../words.ts';

/** Deutsch, mit den Worten aller Seiten der Konsole. */
export const de: PageWords = {
  ...deKeys,
  ...deWebhooks,
  ...deCi,

  // Überall
  nothingChanged: 'Nichts ist geändert.',
  skipToContent: 'Zum Inhalt',
  navigation: 'Seiten',
  notFound: 'Diese Seite gibt es nicht',
  goToKeys: 'Zu den Schlüsseln',
  cannotShow: 'Die Konsole kann nicht angezeigt werden',

  // Sitzung
  signOut: 'Abmelden',
  signedOut: 'Sie sind abgemeldet',
  signedIn: 'Sie sind angemeldet',
  signInAgain: 'Wieder anmelden',
  signInInNewTab: 'In neuem Tab anmelden',
  signInFailed: 'Die Anmeldung ist nicht gelungen',
  goBackToTab: 'Gehen Sie zurück zum ersten Tab und wiederholen Sie den letzten Schritt.',
  signedOutStale: 'Die Anmeldung hat zu lange gedauert oder begann in einem anderen Browser. Beginnen Sie neu.',
  signedOutDenied: 'Ihr Konto darf diese Organisation nicht öffnen. Bitten Sie einen Eigentümer um Zugang.',
  signedOutChoice: 'Wählen Sie die Organisation bei der Anmeldung.',
  signedOutCookie: 'Dieser Browser behält das Cookie der Sitzung nicht. Erlauben Sie Cookies für diese Seite.',
  signedOutFailed:
    'Unterwegs ist etwas schiefgegangen. Beginnen Sie neu; bleibt es dabei, geben Sie dem Support die Anfrage-ID.',

  // Organisation und Abrechnung
  auditLog: 'Protokoll',
  plan: 'Tarif',
  planAndLimits: 'Tarif und Grenzen',
  rateLimitOfKeys: 'Anfragen je Schlüssel',
  rateLimitOfAll: 'Anfragen aller Schlüssel zusammen',
  concurrencyOfKeys: 'Gleichzeitige Anfragen je Schlüssel',
  longestLifetime: 'Längste Laufzeit eines Schlüssels',
  ratePer: (limit: string, window: string) => `${limit} in ${window}`,
  allowList: 'Erlaubte Adressen',
  allowListHelp:
    'Personen, Maschinen und Schlüssel der Organisation werden nur von diesen Adressen angenommen; gibt es keine, von überall.',

  // Liste der Schlüssel
  statusActive: 'Aktiv',

  // Ein Schlüssel
  keyId: 'ID des Schlüssels',
  createdBy: 'Angelegt von',
  lastAddress: 'Von Adresse',
  lastClient: 'Mit Programm',
  replacedBy: 'Ersetzt durch',
  replaces: 'Ersetzt',
  origin: 'Angelegt in',
  revokedAt: 'Widerrufen',
  suspension: 'Sperre',
  suspend: 'Sperren',
  suspendKey: 'Schlüssel sperren',
  suspendHelp: 'Was den Schlüssel nutzt, wird sofort abgelehnt, bis Sie ihn entsperren. Seine Laufzeit geht weiter.',
  suspendOneOfTwo: 'Nur dieser Schlüssel wird gesperrt. Der andere der Rotation gilt weiter.',
  suspensionReason: 'Grund',
  suspensionReasonHelp: 'Für alle, die den Schlüssel sehen. Er steht auch im Protokoll.',
  suspendedNamed: (label: string) => `${label} ist gesperrt.`,
  suspendedBy: (name: string) => `Gesperrt von ${name}`,
  suspendedMeans: 'Anfragen mit diesem Schlüssel werden abgelehnt, bis er entsperrt wird.',
  showSuspended: 'Gesperrte Schlüssel zeigen',
  resume: 'Entsperren',
  resumeKey: 'Schlüssel entsperren',
  resumeHelp: 'Der Schlüssel gilt sofort wieder, mit demselben Geheimnis.',
  resumedNamed: (label: string) => `${label} gilt wieder.`,
  leakedMark: 'Geleakt',
  leakReported: 'Als geleakt gemeldet',
  leakMeans:
    'Ein Scanner hat diesen Schlüssel öffentlich gefunden. Wer ihn gesehen hat, kann ihn nutzen. Erneuern oder widerrufen Sie ihn.',
  leakMeansLater:
    'Ein Scanner hat diesen Schlüssel öffentlich gefunden. Wird er entsperrt, kann ihn nutzen, wer ihn gesehen hat. Widerrufen Sie ihn stattdessen.',
  importedMark: 'Importiert',
  showInAudit: 'Im Protokoll zeigen',
  addressesOfKey: 'Angenommen von',
  everywhere: 'Überall',
  asPlanned: 'Wie im Tarif',
  countdown: (time: string) => `Gilt noch ${time}`,
  metadata: 'Metadaten',

  // Nutzung
  last24Hours: 'Letzte 24 Stunden',
  last7Days: 'Letzte 7 Tage',
  last30Days: 'Letzte 30 Tage',
  last90Days: 'Letzte 90 Tage',
  range: 'Zeitraum',
  requests: 'Anfragen',
  refused: 'Abgelehnt',
  noUsage: 'Keine Anfragen in dieser Zeit',
  inUtc: 'Stunden und Tage gelten in UTC.',
  asTable: 'Als Tabelle zeigen',
  time: 'Zeit',
  total: 'Summe',
  plotHelp: 'Mit den Pfeiltasten durch die Balken gehen.',
  busiestKeys: 'Meistgenutzte Schlüssel',

  // Protokoll
  event: 'Ereignis',
  actor: 'Von',
  target: 'Betrifft',
  address: 'Adresse',
  from: 'Von',
  until: 'Bis',
  anyAction: 'Alle Ereignisse',
  action: 'Ereignis',
  actorId: 'ID der handelnden Person',
  targetId: 'ID des Betroffenen',
  downloadCsv: 'CSV laden',
  details: 'Einzelheiten',
  noEvents: 'Keine Ereignisse',
  noEventsHelp: 'Nichts, was zu den Filtern passt, wurde aufgezeichnet.',
  loadMore: 'Mehr laden',

  // Tastenkürzel und Untätigkeit
  shortcuts: 'Tastenkürzel',
  shortcutsOn: 'Tastenkürzel verwenden',
  shortcutSearch: 'Suchen',
  shortcutCreate: 'Schlüssel anlegen',
  shortcutHelp: 'Tastenkürzel zeigen',
  stillThere: 'Sind Sie noch da?',
  sessionEndsIn: (time: string) => `Die Sitzung endet in ${time}, weil nichts getan wurde.`,
  stayHere: 'Angemeldet bleiben',

  // Ergebnisse
  codeValid: 'Angenommen',
  codeRevoked: 'Widerrufen',
  codeExpired: 'Abgelaufen',
  codeSuspended: 'Gesperrt',
  codeEnvironmentMismatch: 'Falsche Umgebung',
  codeInsufficientScope: 'Recht fehlt',
  codeIpNotAllowed: 'Adresse nicht erlaubt',
  codeBillingInactive: 'Abrechnung inaktiv',
  codeRateLimited: 'Zu viele Anfragen',
  codeConcurrencyLimited: 'Zu viele gleichzeitig',
};
