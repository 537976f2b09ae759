# Settings of the members in compose.yaml. The directory is mounted, not this file alone, so that an edit is seen.
conclave {
  version     = "1.0"
  environment = "production" # a lease of 30 s, renewed every 10 s

  high_availability {
    enabled = true
    leader_election {
      enabled       = true
      resource_name = "conclave"
      instance_id   = env("POD_NAME", "")
    }
  }

  server {
    # Inside the container every address; compose.yaml publishes the ports on this machine's loopback only.
    address      = "0.0.0.0"
    port         = 8080
    metrics_port = 8081
    tokens = [
      { token = env("OPERATOR_TOKEN"), scopes = ["read", "reload", "write", "admin"] },
    ]
  }

  drain_timeout_seconds = 10
}

cache "redis" {
  enabled    = true
  connection = env("REDIS_CONNECTION_STRING")
}
