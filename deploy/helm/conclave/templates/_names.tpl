{{/* Names and labels that the other templates share. */}}

{{- define "conclave.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "conclave.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "conclave.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "conclave.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "conclave.serviceAccountName" -}}
{{- default (include "conclave.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "conclave.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{/* What never changes while a release lives: a Deployment's selector cannot. */}}
{{- define "conclave.selectorLabels" -}}
app.kubernetes.io/name: {{ include "conclave.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "conclave.labels" -}}
{{ include "conclave.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: conclave
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Hosts by which the Service may be called, as an HCL list. */}}
{{- define "conclave.allowedHosts" -}}
{{- $name := include "conclave.fullname" . -}}
{{- $inNamespace := printf "%s.%s" $name .Release.Namespace -}}
{{- $own := list $name $inNamespace (printf "%s.svc" $inNamespace) (printf "%s.svc.cluster.local" $inNamespace) -}}
{{- concat $own .Values.server.allowedHosts | toJson -}}
{{- end -}}

{{/* Drain, then one lease at worst, then what Kubernetes and the exit need. */}}
{{- define "conclave.terminationGracePeriodSeconds" -}}
{{- add .Values.preStopSeconds .Values.drainTimeoutSeconds .Values.election.leaseDurationSeconds 15 -}}
{{- end -}}
