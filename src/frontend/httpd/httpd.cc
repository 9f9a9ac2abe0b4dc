#include "frontend/httpd/httpd.h"

#include "base/crypto.h"
#include "base/metrics.h"

namespace godwit::httpd {
namespace {

http::Response text(unsigned status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

bool may_read_metrics(const Settings& settings, const http::Request& request) {
  if (request.remote.address.is_loopback()) return true;
  return !settings.metrics_token.empty() &&
         crypto::constant_time_equal(request.header("Authorization"), "Bearer " + settings.metrics_token);
}

}  // namespace

http::Response handle(const Settings& settings, const http::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") return text(405, "only GET and HEAD are understood here\n");
  if (request.path == "/healthz") return text(200, "ok\n");
  if (request.path != "/metrics") return text(404, "there is /metrics and /healthz\n");
  if (!may_read_metrics(settings, request))
    return text(403,
                "metrics are for loopback, or for requests with the token of [http] metrics_token_file: Authorization: Bearer TOKEN\n");
  auto response = text(200, metrics::expose());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

namespace {

Task<http::Response> answer(std::shared_ptr<const Settings> settings, http::Request request) { co_return handle(*settings, request); }

}  // namespace

Task<> serve(std::unique_ptr<net::Stream> stream, Context& context, http::Limits limits) {
  const IpAddress peer = stream->remote().address;
  const bool exempt = peer.is_loopback() || contains(context.settings()->exempt, peer);
  const auto ticket = context.limits.admit(peer, exempt);
  if (!ticket) {
    auto refused = text(503, std::string(to_sentence(ticket.error())) + "\n");
    refused.headers.emplace_back("Retry-After", "60");
    co_return co_await http::refuse(std::move(stream), std::move(refused), limits);
  }
  http::Handler handler = [&context](http::Request request) { return answer(context.settings(), std::move(request)); };
  co_await http::serve(std::move(stream), std::move(handler), limits, &context.tasks);
}

}  // namespace godwit::httpd
