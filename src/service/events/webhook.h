#pragma once
// Events to an HTTP server: POST of a JSON array, signed, over TLS with a look at the certificate. One request at a time and one
// connection, kept while the server keeps it. No redirect is followed; what it answers is read up to 64 KiB and thrown away.

#include <functional>

#include "base/clock.h"
#include "edge/http/url.h"
#include "edge/net/stream.h"
#include "service/events/sink.h"

namespace godwit::events {

struct WebhookSettings {
  std::string name;
  std::string url;  // as written
  http::Url where;
  std::string key;  // of the signature; empty: unsigned
  TypeSet types = kAllTypes;
  std::size_t batch = 500;
  Duration timeout = std::chrono::seconds(30);
  std::string ca_file;
  std::shared_ptr<net::TlsConnector> tls;  // verifying
};

struct WebhookContext {
  Clock& clock;
  net::Dialer& dialer;
  std::function<Task<Result<std::vector<IpAddress>>>(std::string host)> resolve;
};

std::unique_ptr<Sink> make_webhook(WebhookSettings settings, WebhookContext context);

}  // namespace godwit::events
