#include "frontend/adminapi/control.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <exception>

#include "base/bytes.h"
#include "base/log.h"
#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {
namespace {

struct Resource {
  std::string_view name;
  Answer (*handler)(Context&, Call);
};

constexpr std::array kResources{Resource{"domains", domains},        Resource{"accounts", accounts},    Resource{"mailboxes", mailboxes},
                                Resource{"aliases", aliases},        Resource{"queue", queue_resource}, Resource{"trace", trace_resource},
                                Resource{"events", events_resource}, Resource{"store", store_resource}, Resource{"status", status}};

// Of the target as sent: an encoded slash belongs to its segment.
std::vector<std::string> split_path(std::string_view target) {
  std::vector<std::string> parts;
  const auto parsed = boost::urls::parse_origin_form(target);
  if (!parsed) return parts;
  for (const auto segment : parsed->segments()) parts.push_back(segment);
  return parts;
}

}  // namespace

int status_of(const Error& error) {
  switch (error.cause) {
    case Error::Cause::not_found: return 404;
    case Error::Cause::syntax: return 400;
    case Error::Cause::conflict:
    case Error::Cause::denied: return 409;
    default: return error.kind == Error::Kind::temporary ? 503 : 409;
  }
}

std::string Call::text(std::string_view key) const {
  const auto* value = body.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::vector<std::string> Call::texts(std::string_view key) const {
  std::vector<std::string> out;
  const auto* value = body.if_contains(key);
  if (value && value->is_array())
    for (const auto& item : value->as_array())
      if (item.is_string()) out.emplace_back(item.as_string());
  return out;
}

std::string Call::query(std::string_view key) const {
  const auto found = request.query.find(std::string(key));
  return found == request.query.end() ? std::string() : found->second;
}

http::Response answer_json(boost::json::value value, int status) {
  http::Response response;
  response.status = static_cast<unsigned>(status);
  response.content_type = "application/json";
  response.body = boost::json::serialize(value) + "\n";
  return response;
}

http::Response answer_done() { return answer_json({{"ok", true}}); }

http::Response answer_error(int status, std::string_view sentence) { return answer_json({{"error", sentence}}, status); }

http::Response answer_error(const Error& error) { return answer_error(status_of(error), error.text); }

http::Response answer_not_found(const Call& call) {
  return answer_error(404, fmt::format("there is no {} {}", call.method, call.request.path));
}

Task<http::Response> handle(Context& context, http::Request request) {
  Call call;
  call.method = request.method;
  call.path = split_path(request.target);
  call.request = std::move(request);
  if (call.path.size() < 2 || call.path[0] != "v1") co_return answer_not_found(call);
  if (!call.request.body.empty()) {
    boost::json::error_code failure;
    auto parsed = boost::json::parse(call.request.body, failure);
    if (failure || !parsed.is_object()) co_return answer_error(400, "the body must be a JSON object");
    call.body = std::move(parsed.as_object());
  }
  const std::string name = call.path[1];
  call.path.erase(call.path.begin(), call.path.begin() + 2);
  for (const Resource& resource : kResources) {
    if (resource.name != name) continue;
    std::string failure;
    try {
      co_return co_await resource.handler(context, std::move(call));
    } catch (const std::exception& error) {
      failure = error.what();
    }
    log::error("admin_request_failed", {{"resource", name}, {"error", failure}});
    co_return answer_error(500, "internal error; the log has more");
  }
  co_return answer_not_found(call);
}

bool may_administer(const std::optional<net::PeerCredentials>& peer, unsigned server_uid, unsigned server_gid) {
  if (!peer) return false;
  if (peer->uid == 0 || peer->uid == server_uid || peer->gid == server_gid) return true;
  std::string_view groups = peer->groups;
  const std::string wanted = std::to_string(server_gid);
  while (!groups.empty()) {
    const auto space = groups.find(' ');
    if (groups.substr(0, space) == wanted) return true;
    groups.remove_prefix(space == std::string_view::npos ? groups.size() : space + 1);
  }
  return false;
}

}  // namespace godwit::adminapi
