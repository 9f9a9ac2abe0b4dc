#pragma once
// The HTTP listener: /metrics (Prometheus) and /healthz, for loopback and for bearers of the token.
// Any loop.

#include <string>

#include "edge/http/server.h"

namespace godwit::httpd {

struct Settings {
  std::string metrics_token;  // "" = loopback alone
};

// Answers one request.
http::Response handle(const Settings& settings, const http::Request& request);

}  // namespace godwit::httpd
