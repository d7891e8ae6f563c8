locals {
  database = "${aws_db_instance.latchkey.endpoint}/latchkey?sslmode=verify-full"
}

resource "kubernetes_namespace_v1" "latchkey" {
  metadata {
    name = var.namespace
  }
}

# What it hashed is lost with it.
resource "random_password" "secret" {
  length  = 64
  special = false

  lifecycle {
    prevent_destroy = true
  }
}

resource "random_password" "service_token" {
  length  = 48
  special = false
}

# Terraform's state holds every secret of this file: keep it encrypted, and let few read it.
resource "kubernetes_secret_v1" "service" {
  metadata {
    name      = "latchkey"
    namespace = kubernetes_namespace_v1.latchkey.metadata[0].name
  }

  data = {
    DATABASE_URL            = "postgres://${postgresql_role.service.name}:${random_password.service.result}@${local.database}"
    REDIS_URL               = var.redis_url
    LATCHKEY_SECRET         = random_password.secret.result
    LATCHKEY_SERVICE_TOKENS = "svc_${random_password.service_token.result}"
    WORKOS_API_KEY          = var.workos.api_key
    WORKOS_CLIENT_ID        = var.workos.client_id
    WORKOS_COOKIE_PASSWORD  = var.workos.cookie_password
  }
}

resource "kubernetes_secret_v1" "owner" {
  metadata {
    name      = "latchkey-migrate"
    namespace = kubernetes_namespace_v1.latchkey.metadata[0].name
  }

  data = {
    DATABASE_URL = "postgres://${aws_db_instance.latchkey.username}:${random_password.owner.result}@${local.database}"
  }
}

resource "kubernetes_config_map_v1" "certificates" {
  metadata {
    name      = "latchkey-certificates"
    namespace = kubernetes_namespace_v1.latchkey.metadata[0].name
  }

  data = {
    "ca.crt" = file(var.database_certificates)
  }
}

resource "helm_release" "latchkey" {
  name      = "latchkey"
  chart     = "${path.module}/../helm/latchkey"
  namespace = kubernetes_namespace_v1.latchkey.metadata[0].name
  timeout   = 1800

  # The job migrates before Helm has made anything else.
  depends_on = [postgresql_role.service]

  values = [yamlencode({
    image = {
      repository = var.image.repository
      digest     = var.image.digest
    }
    existingSecret = kubernetes_secret_v1.service.metadata[0].name
    migrations     = { existingSecret = kubernetes_secret_v1.owner.metadata[0].name }
    certificates   = { existingConfigMap = kubernetes_config_map_v1.certificates.metadata[0].name }
    product        = { file = file(var.product_file) }
    config         = { TRUST_PROXY = "1" }
  })]
}
