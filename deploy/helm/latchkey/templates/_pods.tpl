{{/* What the pods of the service and of the migrations have in common. */}}
{{- define "latchkey.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "latchkey.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "latchkey.certificatesVariable" -}}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/latchkey-certificates/ca.crt
{{- end -}}

{{- define "latchkey.certificatesMount" -}}
- name: certificates
  mountPath: /etc/latchkey-certificates
  readOnly: true
{{- end -}}

{{- define "latchkey.certificatesVolume" -}}
- name: certificates
  configMap:
    name: {{ .Values.certificates.existingConfigMap }}
    items:
      - key: ca.crt
        path: ca.crt
{{- end -}}

{{- define "latchkey.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
