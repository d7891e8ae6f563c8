variable "kubeconfig" {
  description = "Path of the kubeconfig of a cluster that exists."
  type        = string
}

variable "namespace" {
  description = "Namespace that is made for Latchkey."
  type        = string
  default     = "latchkey"
}

variable "vpc_id" {
  description = "Network of the cluster."
  type        = string
}

variable "subnet_group" {
  description = "Group of subnets, in two zones or more, for the database."
  type        = string
}

variable "cluster_security_group" {
  description = "Security group of the cluster's nodes, which may reach the database; so must what runs Terraform."
  type        = string
}

variable "instance_class" {
  description = "Class of the database's machine."
  type        = string
  default     = "db.m7g.large"
}

variable "database_certificates" {
  description = "Path of the bundle of the region's certificate authorities, as AWS publishes it."
  type        = string
}

variable "image" {
  description = "Repository and digest of the image."
  type        = object({ repository = string, digest = string })
}

variable "product_file" {
  description = "Path of the product file."
  type        = string
}

variable "redis_url" {
  description = "Address of Redis, rediss://…"
  type        = string
  sensitive   = true
}

variable "workos" {
  description = "From the WorkOS dashboard; cookie_password is the one with which your application seals its session cookie."
  type        = object({ api_key = string, client_id = string, cookie_password = string })
  sensitive   = true
}
