#include "service/events/webhook.h"

#include <fmt/format.h>

#include <charconv>

#include "base/crypto.h"
#include "base/encoding.h"
#include "edge/http/exchange_on_stream.h"
#include "service/events/json.h"
#include "service/events/signature.h"

namespace godwit::events {
namespace {

constexpr http::ResponseLimits kLimits{16 * 1'024, 64 * 1'024};
constexpr std::size_t kMostWords = 200;
constexpr Duration kLongestAsked = std::chrono::hours(1);

// RFC 9110 10.2.3: seconds; a date counts as none.
Duration retry_after(const http::Response& response) {
  const std::string_view text = response.header("Retry-After");
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return std::min<Duration>(std::chrono::seconds(seconds), kLongestAsked);
}

// Its first line, for people.
std::string words_of(const http::Response& response) {
  std::string words;
  for (const char c : response.body) {
    if (words.size() >= kMostWords || c == '\n' || c == '\r') break;
    words += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
  }
  return words;
}

class Webhook final : public Sink {
 public:
  Webhook(WebhookSettings settings, WebhookContext context) : settings_(std::move(settings)), context_(std::move(context)) {}

  std::string_view kind() const override { return "webhook"; }
  std::string name() const override { return settings_.name; }
  std::string target() const override { return fmt::format("{}://{}", settings_.where.tls ? "https" : "http", settings_.where.authority); }
  std::string fingerprint() const override {
    return crypto::sha256(fmt::format("{}\n{}\n{}\n{}\n{}\n{}", settings_.url, hex_encode(settings_.key), settings_.types, settings_.batch,
                                      settings_.timeout.count(), settings_.ca_file));
  }
  TypeSet types() const override { return settings_.types; }
  std::size_t batch() const override { return settings_.batch; }

  Parcel pack(const Stream::Batch& batch) const override;
  Task<Verdict> deliver(const Parcel& parcel) override;
  void cancel() override {
    if (stream_) stream_->cancel();
    cancellation_.cancel();
  }

 private:
  Task<Result<void>> connect(SteadyTime until);
  http::Request request_for(const Parcel& parcel) const;
  Verdict judge(const http::Response& response) const;

  const WebhookSettings settings_;
  const WebhookContext context_;
  std::unique_ptr<net::Stream> stream_;
  net::Cancellation cancellation_;
};

Parcel Webhook::pack(const Stream::Batch& batch) const {
  Parcel parcel;
  if (batch.events.empty()) return parcel;
  parcel.events = batch.events.size();
  parcel.id = fmt::format("batch_{}_{}", batch.events.front().id.text(), batch.events.back().id.text());
  parcel.bytes = "[";
  for (const Event& event : batch.events) {
    if (parcel.bytes.size() > 1) parcel.bytes += ",\n";
    append_json(parcel.bytes, event);
  }
  parcel.bytes += "]\n";
  return parcel;
}

Task<Result<void>> Webhook::connect(SteadyTime until) {
  std::string host = settings_.where.host;
  const auto addresses = co_await context_.resolve(std::move(host));
  if (!addresses) co_return fail(addresses.error());
  Error last = Error::temporary(Error::Cause::not_found, settings_.where.host + " has no address");
  for (const IpAddress& address : *addresses) {
    if (context_.clock.steady() >= until || cancellation_.cancelled()) break;
    Endpoint to{address, settings_.where.port};
    auto dialed = co_await context_.dialer.dial(to, until - context_.clock.steady(), &cancellation_);
    if (dialed && settings_.where.tls) {
      std::string server_name = settings_.where.host;
      dialed = co_await settings_.tls->connect(*std::move(dialed), std::move(server_name), until - context_.clock.steady(), &cancellation_);
    }
    if (dialed) {
      stream_ = *std::move(dialed);
      co_return Result<void>{};
    }
    last = dialed.error();
  }
  co_return fail(last);
}

http::Request Webhook::request_for(const Parcel& parcel) const {
  http::Request request;
  request.method = "POST";
  request.target = settings_.where.target;
  request.body = parcel.bytes;
  const std::int64_t timestamp = std::chrono::duration_cast<std::chrono::seconds>(context_.clock.now().time_since_epoch()).count();
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "godwit"},
                     {"webhook-id", parcel.id},
                     {"webhook-timestamp", std::to_string(timestamp)}};
  if (!settings_.key.empty()) request.headers.emplace_back("webhook-signature", sign(settings_.key, parcel.id, timestamp, parcel.bytes));
  return request;
}

Verdict Webhook::judge(const http::Response& response) const {
  using Kind = Verdict::Kind;
  if (response.status >= 200 && response.status < 300) return {};
  std::string why = fmt::format("it answered {} {}", response.status, words_of(response));
  // RFC 9110 15.5.11: 410, it is gone and likely to stay so.
  if (response.status == 410) return {Kind::never, std::move(why)};
  if (response.status == 413) return {Kind::smaller, std::move(why)};
  if (response.status >= 300 && response.status < 400) why += "(a redirect is not followed: write its target into url)";
  return {Kind::later, std::move(why), retry_after(response)};
}

Task<Verdict> Webhook::deliver(const Parcel& parcel) {
  const SteadyTime until = context_.clock.steady() + settings_.timeout;
  const bool reused = stream_ != nullptr;
  if (!reused) {
    const auto connected = co_await connect(until);
    if (!connected) co_return Verdict{Verdict::Kind::later, connected.error().text};
  }
  http::Request request = request_for(parcel);
  std::string authority = settings_.where.authority;
  auto exchanged =
      co_await http::exchange(*stream_, context_.clock, std::move(request), std::move(authority), kLimits, until - context_.clock.steady());
  if (!exchanged || !exchanged->keeps_alive) stream_.reset();
  if (exchanged) co_return judge(exchanged->response);
  // An idle connection may end at any moment (RFC 9112 9.5): then once more at once, on a new one.
  if (reused && exchanged.error().cause == Error::Cause::closed) co_return co_await deliver(parcel);
  co_return Verdict{Verdict::Kind::later, exchanged.error().text};
}

}  // namespace

std::unique_ptr<Sink> make_webhook(WebhookSettings settings, WebhookContext context) {
  return std::make_unique<Webhook>(std::move(settings), std::move(context));
}

}  // namespace godwit::events
