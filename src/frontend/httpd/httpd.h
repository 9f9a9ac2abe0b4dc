#pragma once
// The HTTP listener: /metrics (Prometheus) and /healthz, for loopback and for bearers of the token.
// Any loop.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "edge/http/server.h"
#include "edge/net/connection_limits.h"

namespace godwit::httpd {

struct Settings {
  std::string metrics_token;    // "" = loopback alone
  std::vector<Network> exempt;  // from the limit of connections per address, as loopback is
};

// What a connection works with; outlives all of them. Functions are called on the connection's loop.
struct Context {
  std::function<std::shared_ptr<const Settings>()> settings;
  net::TaskGroup& tasks;  // its stop() ends connections that wait for a request
  net::ConnectionLimits& limits;
};

// Answers one request.
http::Response handle(const Settings& settings, const http::Request& request);

// One connection to its end; over a limit: 503 and the end. Start it with net::spawn in context.tasks. Never throws.
Task<> serve(std::unique_ptr<net::Stream> stream, Context& context, http::Limits limits = {});

}  // namespace godwit::httpd
