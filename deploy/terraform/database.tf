# Two zones: commits wait for the standby in the other one, so that an acknowledged write survives a failover.
resource "aws_db_instance" "latchkey" {
  identifier     = "latchkey"
  engine         = "postgres"
  engine_version = "17"
  instance_class = var.instance_class

  allocated_storage     = 100
  max_allocated_storage = 1000
  storage_type          = "gp3"
  storage_encrypted     = true

  db_name  = "latchkey"
  username = "latchkey"
  password = random_password.owner.result

  multi_az               = true
  db_subnet_group_name   = var.subnet_group
  vpc_security_group_ids = [aws_security_group.database.id]
  parameter_group_name   = aws_db_parameter_group.latchkey.name

  backup_retention_period   = 14
  copy_tags_to_snapshot     = true
  deletion_protection       = true
  final_snapshot_identifier = "latchkey-final"
}

resource "aws_db_parameter_group" "latchkey" {
  name   = "latchkey"
  family = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_security_group" "database" {
  name   = "latchkey-database"
  vpc_id = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "cluster" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = var.cluster_security_group
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

# Letters and digits, since they stand in an address.
resource "random_password" "owner" {
  length  = 40
  special = false
}

resource "random_password" "service" {
  length  = 40
  special = false
}

# The service runs as a role that owns no table. Migrations grant its group what it needs.
resource "postgresql_role" "app" {
  name  = "latchkey_app"
  login = false
}

resource "postgresql_role" "service" {
  name     = "latchkey_service"
  login    = true
  password = random_password.service.result
  roles    = [postgresql_role.app.name]
}
