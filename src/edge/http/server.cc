#include "edge/http/server.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/log.h"

namespace godwit::http {
namespace {

namespace beast = boost::beast::http;
using Parser = beast::request_parser<beast::string_body>;

constexpr std::size_t kChunk = 16 * 1024;
constexpr std::size_t kDrainBytes = 4 * 1024 * 1024;
constexpr Duration kDrainTime = std::chrono::seconds(1);
constexpr Duration kRefusalTime = std::chrono::seconds(1);

std::string_view view(auto text) { return {text.data(), text.size()}; }

std::string_view reason_of(unsigned status) { return view(beast::obsolete_reason(beast::int_to_status(status))); }

// A value that would end its line early could forge a second response.
bool safe(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos; }

std::string render(const Response& response, bool head, bool keep_alive) {
  const bool bodiless = response.status == 204 || response.status == 304;
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  text += reason_of(response.status);
  if (!bodiless) {
    if (safe(response.content_type)) text += "\r\nContent-Type: " + response.content_type;
    text += "\r\nContent-Length: " + std::to_string(response.body.size());
  }
  text += keep_alive ? "\r\nConnection: keep-alive\r\n" : "\r\nConnection: close\r\n";
  for (const auto& [name, value] : response.headers) {
    if (safe(name) && safe(value)) text += name + ": " + value + "\r\n";
  }
  text += "\r\n";
  if (!bodiless && !head) text += response.body;
  return text;
}

Response refusal(unsigned status, std::string why) {
  Response response;
  response.status = status;
  response.body = std::move(why) + '\n';
  return response;
}

class Connection {
 public:
  Connection(net::Stream& stream, const Handler& handler, const Limits& limits, Clock& clock, net::TaskGroup* group)
      : stream_(stream), handler_(handler), limits_(limits), clock_(clock), group_(group) {}

  Task<> run() {
    while (co_await serve_one()) {
    }
  }

  // The group stops: ends the wait for a request; a response only when the patience is over.
  void interrupt() {
    if (reading_ || group_->cutting()) stream_.cancel();
  }
  Task<> turn_away(Response response);

 private:
  bool stopping() const { return group_ && group_->stopping(); }

  // True if another request may follow.
  Task<bool> serve_one();
  // False: the connection is over. A refusal is left in refusal_.
  Task<bool> read_request(Parser& parser);
  Task<bool> read_more(SteadyTime deadline);
  Task<bool> put_buffered(Parser& parser);
  void refuse(const boost::system::error_code& error);
  std::optional<Request> take_request(Parser& parser);
  Task<Response> answer(Request request);
  Task<bool> send(std::string text);
  Task<> drain();

  net::Stream& stream_;
  const Handler& handler_;
  const Limits& limits_;
  Clock& clock_;
  net::TaskGroup* group_;
  std::string buffer_;      // read, not yet parsed
  bool waiting_ = false;    // the parser can do nothing with the buffer before more is read
  bool reading_ = false;    // a request, or waiting for one
  bool continued_ = false;  // 100 Continue has been sent
  std::optional<Response> refusal_;
};

Task<bool> Connection::serve_one() {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
  parser.body_limit(limits_.body_bytes);
  parser.eager(true);
  waiting_ = continued_ = false;
  std::optional<Request> request;
  reading_ = true;
  const bool complete = co_await read_request(parser);
  reading_ = false;
  if (complete) request = take_request(parser);
  const bool keep_alive = request && parser.get().keep_alive();
  const bool head = request && request->method == "HEAD";
  Response response;
  if (request) {
    Request moved = *std::move(request);
    response = co_await answer(std::move(moved));
  } else if (refusal_) {
    response = *std::move(refusal_);
  } else {
    co_return false;
  }
  const bool again = keep_alive && !stopping();
  std::string text = render(response, head, again);
  const bool sent = co_await send(std::move(text));
  if (sent && !complete) co_await drain();
  co_return sent&& again;
}

Task<bool> Connection::read_request(Parser& parser) {
  if (buffer_.empty()) {
    if (stopping()) co_return false;
    const auto waited = co_await stream_.wait_readable(limits_.idle);
    if (!waited) co_return false;
  }
  const SteadyTime deadline = clock_.steady() + limits_.request;
  while (true) {
    const bool usable = co_await put_buffered(parser);
    if (!usable) co_return false;
    if (parser.is_done()) co_return true;
    const bool more = co_await read_more(deadline);
    if (!more) co_return false;
  }
}

Task<bool> Connection::read_more(SteadyTime deadline) {
  const auto left = std::chrono::duration_cast<Duration>(deadline - clock_.steady());
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kChunk);
  const std::span<char> room(buffer_.data() + before, kChunk);
  const auto count = co_await stream_.read(room, std::max(left, Duration(0)));
  buffer_.resize(before + count.value_or(0));
  if (!count && count.error().cause == Error::Cause::timed_out) refusal_ = refusal(408, "the request took too long");
  waiting_ = false;
  co_return count.value_or(0) > 0;
}

// Gives the parser what it can use; false after a refusal.
Task<bool> Connection::put_buffered(Parser& parser) {
  while (!buffer_.empty() && !waiting_ && !parser.is_done()) {
    boost::system::error_code error;
    const std::size_t used = parser.put(boost::asio::const_buffer(buffer_.data(), buffer_.size()), error);
    buffer_.erase(0, used);
    if (error == beast::error::need_more) {
      waiting_ = true;
    } else if (error) {
      refuse(error);
      co_return false;
    }
  }
  // RFC 9110 10.1.1: the client waits for this before it sends the body.
  const bool expects = parser.is_header_done() && !parser.is_done() && !continued_ &&
                       ascii_iequals(view(parser.get()[beast::field::expect]), "100-continue");
  if (!expects) co_return true;
  continued_ = true;
  co_return co_await send("HTTP/1.1 100 Continue\r\n\r\n");
}

void Connection::refuse(const boost::system::error_code& error) {
  if (error == beast::error::header_limit)
    refusal_ = refusal(431, "the request's headers are too large");
  else if (error == beast::error::body_limit)
    refusal_ = refusal(413, "the request's body is too large");
  else
    refusal_ = refusal(400, "not a valid request: " + error.message());
}

std::optional<Request> Connection::take_request(Parser& parser) {
  auto& message = parser.get();
  // RFC 9112 3.2: a request of HTTP/1.1 without Host, or with two, is refused.
  if (message.version() == 11 && message.count(beast::field::host) != 1) {
    refusal_ = refusal(400, "a request needs one Host header");
    return std::nullopt;
  }
  Request request;
  request.method = view(message.method_string());
  request.target = view(message.target());
  auto target = parse_target(request.target);
  if (!target) {
    refusal_ = refusal(400, target.error().text);
    return std::nullopt;
  }
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  for (const auto& field : message) request.headers.emplace_back(view(field.name_string()), view(field.value()));
  request.body = std::move(message.body());
  request.remote = stream_.remote();
  request.credentials = stream_.credentials();
  return request;
}

Task<Response> Connection::answer(Request request) {
  std::string failure;
  try {
    co_return co_await handler_(std::move(request));
  } catch (const std::exception& exception) {
    failure = exception.what();
  }
  log::error("http handler failed", {{"error", failure}});
  co_return refusal(500, "internal error");
}

Task<bool> Connection::send(std::string text) {
  const auto written = co_await stream_.write(text, limits_.write);
  co_return written.has_value();
}

// Closing with bytes unread resets the connection, and the refusal may never be read: takes what was on its way, for a moment.
Task<> Connection::drain() {
  const SteadyTime deadline = clock_.steady() + kDrainTime;
  buffer_.resize(kChunk);
  const std::span<char> room(buffer_);
  for (std::size_t total = 0; total < kDrainBytes;) {
    const auto left = std::chrono::duration_cast<Duration>(deadline - clock_.steady());
    if (left <= Duration(0)) break;
    const auto count = co_await stream_.read(room, left);
    if (count.value_or(0) == 0) break;
    total += *count;
  }
}

Task<> Connection::turn_away(Response response) {
  std::string text = render(response, false, false);
  if (co_await send(std::move(text))) co_await drain();
}

Clock& machine_clock() {
  static const std::unique_ptr<Clock> clock = make_system_clock();
  return *clock;
}

}  // namespace

Task<> serve(std::unique_ptr<net::Stream> stream, Handler handler, Limits limits, net::TaskGroup* group) {
  auto executor = co_await this_executor();
  Connection connection(*stream, handler, limits, limits.clock ? *limits.clock : machine_clock(), group);
  std::optional<net::TaskGroup::OnStop> on_stop;
  if (group) on_stop.emplace(*group, executor, [&connection] { connection.interrupt(); });
  co_await connection.run();
  stream->close();
}

Task<> refuse(std::unique_ptr<net::Stream> stream, Response response, Limits limits) {
  limits.write = std::min(limits.write, kRefusalTime);
  const Handler none;
  Connection connection(*stream, none, limits, limits.clock ? *limits.clock : machine_clock(), nullptr);
  co_await connection.turn_away(std::move(response));
  stream->close();
}

}  // namespace godwit::http
