#include "app/control_client.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "app/house.h"
#include "app/privileges.h"
#include "edge/http/client.h"

namespace godwit::app {
namespace {

constexpr Duration kPatience = std::chrono::minutes(10);  // `store verify` reads everything

Result<boost::json::value> read_answer(unsigned status, const std::string& body) {
  boost::json::error_code failure;
  auto value = boost::json::parse(body, failure);
  if (failure)
    return fail(Error::temporary(Error::Cause::io, fmt::format("the server answered {} with something that is not JSON", status)));
  if (status / 100 == 2) return value;
  std::string sentence = fmt::format("the server answered {}", status);
  if (value.is_object())
    if (const auto* error = value.as_object().if_contains("error"); error && error->is_string()) sentence = error->as_string();
  return fail(Error::permanent(Error::Cause::conflict, std::move(sentence)));
}

}  // namespace

std::string encode_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._~").contains(c);
    if (unreserved)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// The offline house, its loops first: they outlive it.
struct ControlClient::Offline {
  net::LoopPool loops{1};
  std::unique_ptr<House> house;
};

ControlClient::ControlClient(Config config) : config_(std::move(config)) {}

ControlClient::~ControlClient() {
  if (offline_ && offline_->house) offline_->house->close(Duration(0));
}

Result<boost::json::value> ControlClient::call_offline(http::Request request) {
  if (!offline_) {
    GODWIT_TRY(become_user(config_.user, config_.data_dir));
    auto offline = std::make_unique<Offline>();
    GODWIT_ASSIGN(offline->house, House::open(config_, offline->loops, true));
    offline_ = std::move(offline);
  }
  GODWIT_ASSIGN(auto target, http::parse_target(request.target));
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  const auto answer = offline_->house->run(adminapi::handle(offline_->house->admin(), std::move(request)));
  return read_answer(answer.status, answer.body);
}

Result<boost::json::value> ControlClient::call(std::string method, std::string target, boost::json::object body) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  if (!body.empty()) request.body = boost::json::serialize(body);
  const auto answer = http::request(config_.control_socket(), request, kPatience);
  if (answer) return read_answer(answer->status, answer->body);
  if (answer.error().cause != Error::Cause::not_found) return fail(answer.error());
  return call_offline(std::move(request));
}

}  // namespace godwit::app
