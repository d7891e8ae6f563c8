{{/* The Deployment of one role: `dict "root" $ "role" "api"`. Its values are below the name of the role. */}}
{{- define "latchkey.deployment" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $values := index $root.Values $role -}}
{{- $name := printf "%s-%s" (include "latchkey.fullname" $root) $role -}}
{{- $shutdown := $root.Values.shutdown -}}
{{- if lt (int $shutdown.terminationGracePeriodSeconds) (add (int $shutdown.delaySeconds) (int $shutdown.graceSeconds) 10 | int) -}}
{{- fail "shutdown.terminationGracePeriodSeconds must be at least 10 more than delaySeconds and graceSeconds together." -}}
{{- end -}}
{{- $seals := and (eq $role "worker") $values.seals.existingClaim -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "latchkey.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
spec:
  {{- if not (and (eq $role "api") $values.autoscaling.enabled) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "latchkey.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ $role }}
  template:
    metadata:
      labels:
        {{- include "latchkey.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $role }}
      {{- if or $root.Values.product.file $values.podAnnotations }}
      annotations:
        {{- with $root.Values.product.file }}
        # A changed product file replaces the pods.
        checksum/product: {{ sha256sum . }}
        {{- end }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "latchkey.fullname" $root }}
      {{- include "latchkey.podSecurity" $root | nindent 6 }}
      securityContext:
        {{- include "latchkey.podSecurityContext" $root | nindent 8 }}
        {{- if $seals }}
        fsGroup: 65532
        {{- end }}
      terminationGracePeriodSeconds: {{ int $shutdown.terminationGracePeriodSeconds }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          matchLabelKeys: [pod-template-hash]
          labelSelector:
            matchLabels:
              {{- include "latchkey.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ $role }}
        {{- end }}
      containers:
        - name: latchkey
          image: {{ include "latchkey.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [serve]
          {{- include "latchkey.containerEnvironment" (dict "root" $root "role" $role "seals" $seals) | nindent 10 }}
          ports:
            - name: http
              containerPort: 3000
            - name: operations
              containerPort: 9100
          {{- include "latchkey.probes" $root | nindent 10 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "latchkey.containerSecurityContext" $root | nindent 12 }}
          volumeMounts:
            - name: product
              mountPath: /etc/latchkey
              readOnly: true
            {{- if $root.Values.certificates.existingConfigMap }}
            {{- include "latchkey.certificatesMount" $root | nindent 12 }}
            {{- end }}
            {{- if $seals }}
            - name: seals
              mountPath: /var/lib/latchkey
            {{- end }}
      volumes:
        - name: product
          configMap:
            name: {{ include "latchkey.productConfigMap" $root }}
            items:
              - key: product.yaml
                path: product.yaml
        {{- if $root.Values.certificates.existingConfigMap }}
        {{- include "latchkey.certificatesVolume" $root | nindent 8 }}
        {{- end }}
        {{- if $seals }}
        - name: seals
          persistentVolumeClaim:
            claimName: {{ $values.seals.existingClaim }}
        {{- end }}
{{- end -}}

{{/* The Secret comes first: what the chart sets, and `config`, are stronger than a key of it. */}}
{{- define "latchkey.containerEnvironment" -}}
{{- $shutdown := .root.Values.shutdown -}}
envFrom:
  - secretRef:
      name: {{ .root.Values.existingSecret }}
env:
  - name: PORT
    value: '3000'
  - name: LATCHKEY_OPERATIONS_PORT
    value: '9100'
  - name: LATCHKEY_ROLE
    value: {{ .role }}
  - name: LATCHKEY_CONFIG
    value: /etc/latchkey/product.yaml
  - name: SHUTDOWN_DELAY_MS
    value: {{ mul (int $shutdown.delaySeconds) 1000 | quote }}
  - name: SHUTDOWN_GRACE_MS
    value: {{ mul (int $shutdown.graceSeconds) 1000 | quote }}
  {{- if .root.Values.certificates.existingConfigMap }}
  {{- include "latchkey.certificatesVariable" .root | nindent 2 }}
  {{- end }}
  {{- if .seals }}
  - name: LATCHKEY_AUDIT_SEALS
    value: /var/lib/latchkey/seals.jsonl
  {{- end }}
  {{- $own := index .root.Values .role }}
  {{- range $name, $value := mergeOverwrite (deepCopy .root.Values.config) $own.config }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end -}}

{{/* Readiness asks the port that callers use; the other two a port whose connections callers cannot take. */}}
{{- define "latchkey.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: operations }
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: operations }
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 3
{{- end -}}
