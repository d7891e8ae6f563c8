terraform {
  required_version = ">= 1.6"

  required_providers {
    aws        = { source = "hashicorp/aws", version = ">= 5.60" }
    helm       = { source = "hashicorp/helm", version = ">= 3.0" }
    kubernetes = { source = "hashicorp/kubernetes", version = ">= 2.30" }
    postgresql = { source = "cyrilgdn/postgresql", version = ">= 1.22" }
    random     = { source = "hashicorp/random", version = ">= 3.6" }
  }
}

provider "kubernetes" {
  config_path = var.kubeconfig
}

provider "helm" {
  kubernetes = {
    config_path = var.kubeconfig
  }
}

# Connects as the owner: run Terraform where the database can be reached.
provider "postgresql" {
  host      = aws_db_instance.latchkey.address
  port      = aws_db_instance.latchkey.port
  username  = aws_db_instance.latchkey.username
  password  = random_password.owner.result
  sslmode   = "require"
  superuser = false
}
