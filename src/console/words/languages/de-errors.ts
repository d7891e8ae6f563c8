import type { enErrors } from './en-errors.ts';

/** Was falsch ist, dann was zu tun ist. */
export const deErrors: { [Name in keyof typeof enErrors]: (typeof enErrors)[Name] } = {
  errorUnknown: 'Auf dieser Seite ist etwas schiefgegangen. Laden Sie sie neu und versuchen Sie es noch einmal.',
  errorValidation: 'Einige Felder sind nicht richtig ausgefüllt. Korrigieren Sie die markierten.',
  errorSession: 'Ihre Sitzung ist beendet. Ihre Eingaben sind noch da.',
  errorMissingScopes: (scopes: string) =>
    `Ihrer Rolle fehlt ${scopes}. Ein Eigentümer der Organisation kann das erteilen.`,
  errorImpersonated: 'Eine Sitzung im Namen anderer darf das nicht.',
  errorIpNotAllowed: 'Ihre Adresse gehört nicht zu denen, die die Organisation erlaubt.',
  errorKeySuspended: 'Dieser Schlüssel ist gesperrt. Entsperren Sie ihn zuerst.',
  errorKeyNotFound: 'Diesen Schlüssel gibt es in der Organisation nicht, oder Sie dürfen ihn nicht sehen.',
  errorPolicyNotFound: 'Diese CI-Regel gibt es nicht; vielleicht wurde sie gelöscht.',
  errorDeliveryNotFound: 'Diese Zustellung gibt es nicht, oder sie wird nicht mehr aufbewahrt.',
  errorNotReplayable: 'Diese Zustellung läuft bereits, oder ihr Endpunkt ist nicht mehr konfiguriert.',
  errorOrganizationNotFound: 'Diese Organisation gibt es nicht, oder Sie sind kein Mitglied.',
  errorKeyEnded: 'Dieser Schlüssel wurde inzwischen widerrufen oder ist abgelaufen. Erstellen Sie einen neuen.',
  errorKeyLimit: 'Alle Schlüssel Ihres Tarifs sind vergeben. Widerrufen Sie einen, oder wechseln Sie den Tarif.',
  errorIdempotency: 'Dieses Formular wurde vorher mit anderem Inhalt gesendet. Schließen Sie es und beginnen Sie neu.',
  errorInProgress: 'Der erste Versuch läuft noch. Versuchen Sie es gleich noch einmal.',
  errorBilling: 'Die Abrechnung lässt das gerade nicht zu.',
  errorRateLimited: 'Zu viele Anfragen. Warten Sie einen Moment, dann versuchen Sie es noch einmal.',
  errorWorkosRejected: 'WorkOS hat das abgelehnt. Geben Sie dem Support die Anfrage-ID.',
  errorWorkosUnavailable: 'WorkOS ist gerade nicht erreichbar. Versuchen Sie es gleich noch einmal.',
  errorDatabase: 'Der Dienst kann seine Daten gerade nicht lesen. Versuchen Sie es gleich noch einmal.',
  errorInternal: 'Der Dienst hat einen Fehler gemacht. Geben Sie dem Support die Anfrage-ID.',
  errorUnreachable: 'Der Dienst ist nicht erreichbar. Prüfen Sie Ihre Verbindung, dann versuchen Sie es noch einmal.',
  errorTimeout: 'Der Dienst hat nicht rechtzeitig geantwortet. Versuchen Sie es noch einmal.',
  errorUnreadable: 'Die Antwort kam nicht vom Dienst. Vielleicht steht ein Proxy im Weg.',
};
