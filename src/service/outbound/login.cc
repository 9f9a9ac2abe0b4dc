#include "service/outbound/login.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/encoding.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/outbound/outcomes.h"

namespace godwit::outbound {
namespace {

using Step = std::expected<void, queue::Outcome>;
using smtp::EnhancedCode;

constexpr std::size_t kCommandLine = 512;  // RFC 4954 4: an initial response must not make AUTH longer
constexpr std::uint16_t kSuccess = 235;
constexpr std::uint16_t kUnknownMechanism = 504;  // RFC 4954 4
constexpr int kMostChallenges = 8;

constexpr EnhancedCode kNoAuth{4, 7, 0};
constexpr EnhancedCode kRefused{4, 7, 8};           // RFC 4954 6: credentials invalid
constexpr EnhancedCode kNeedsEncryption{4, 7, 11};  // RFC 4954 6: encryption required for the mechanism

Step failed(EnhancedCode status, std::string text, const std::string& remote, std::string reply = {}) {
  queue::Outcome outcome = unreachable(status, std::move(text), remote);
  outcome.remote_reply = std::move(reply);
  return std::unexpected(std::move(outcome));
}

// One login under way.
class Login {
 public:
  Login(const Terms& terms, std::string mechanism, std::string remote, Exchange& exchange)
      : terms_(terms), name_(std::move(mechanism)), remote_(std::move(remote)), exchange_(exchange) {}

  Task<Step> run();
  bool is_unknown() const { return unknown_; }  // the server does not know the mechanism after all

 private:
  Task<Result<smtp::Reply>> begin();
  Task<Result<std::string>> answer(std::string challenge);
  Task<Step> give_up(std::string why);
  Step conclude(const smtp::Reply& reply);

  const Terms& terms_;
  const std::string name_;
  const std::string remote_;
  Exchange& exchange_;
  std::unique_ptr<sasl::ClientMechanism> mechanism_;
  std::optional<std::string> held_back_;  // an initial response that was too long for the command
  bool unknown_ = false;
};

Task<Result<smtp::Reply>> Login::begin() {
  auto credentials = *terms_.login;
  mechanism_ = sasl::make_client_mechanism(name_, std::move(credentials), terms_.nonce);
  std::string line = "AUTH " + name_;
  auto initial = mechanism_->initial_response();
  std::string with = initial ? line + " " + (initial->empty() ? "=" : base64_encode(*initial)) : line;
  if (with.size() + 2 > kCommandLine) {
    held_back_ = std::move(initial);
    with = line;
  }
  with += "\r\n";
  return exchange_(std::move(with));
}

// A mechanism that derives a key does so beside the loop.
Task<Result<std::string>> Login::answer(std::string challenge) {
  if (held_back_ && challenge.empty()) {
    std::string response = *std::exchange(held_back_, std::nullopt);
    co_return response;
  }
  if (!terms_.blocking || sasl::sends_the_password(name_)) co_return mechanism_->step(challenge);
  auto work = [mechanism = mechanism_.get(), challenge = std::move(challenge)] { return mechanism->step(challenge); };
  co_return co_await terms_.blocking->run(std::move(work));
}

Task<Step> Login::run() {
  auto reply = co_await begin();
  for (int challenges = 0; reply && reply->code == 334; ++challenges) {
    const std::string_view text = reply->text;
    const auto challenge = base64_decode(text == "=" ? std::string_view() : text);
    if (!challenge || challenges == kMostChallenges) co_return co_await give_up("its challenge makes no sense");
    std::string asked = *challenge;
    const auto response = co_await answer(std::move(asked));
    if (!response) co_return co_await give_up(response.error().text);
    std::string line = base64_encode(*response) + "\r\n";
    reply = co_await exchange_(std::move(line));
  }
  if (!reply) co_return std::unexpected(lost(reply.error(), "the answer to AUTH", remote_));
  co_return conclude(*reply);
}

// RFC 4954 4: "*" takes the exchange back.
Task<Step> Login::give_up(std::string why) {
  std::string line = "*\r\n";
  const auto reply = co_await exchange_(std::move(line));
  ignore(reply, "the dialogue ends either way");
  co_return failed(kRefused, fmt::format("the login of {} at {} ({}) came to nothing: {}", terms_.login->authcid, remote_, name_, why),
                   remote_);
}

Step Login::conclude(const smtp::Reply& reply) {
  const std::string& user = terms_.login->authcid;
  if (reply.code == kSuccess && mechanism_->satisfied()) return {};
  if (reply.positive())
    return failed(kRefused,
                  fmt::format("{} takes the login of {} without proving that it knows the password ({}): it may not be who it says",
                              remote_, user, name_),
                  remote_, reply.one_line());
  unknown_ = reply.code == kUnknownMechanism;
  if (reply.transient())
    return failed(reply.enhanced.present() ? reply.enhanced : EnhancedCode{4, 7, 0},
                  fmt::format("{} cannot take the login of {} now", remote_, user), remote_, reply.one_line());
  return failed(kRefused,
                fmt::format("{} refuses the login of {} ({}): mend `user` or the password file of the route", remote_, user, name_),
                remote_, reply.one_line());
}

void tell(const queue::Outcome& why, const std::string& user) {
  static auto& failures =
      metrics::counter("godwit_outbound_login_failures_total", "Logins to smarthosts that were refused or could not be tried");
  failures.add();
  log::error("login failed", {{"remote", why.remote}, {"user", user}, {"error", why.text}, {"reply", why.remote_reply}});
}

Step nothing_fits(const Terms& terms, const smtp::Extensions& peer, bool encrypted, const std::string& remote) {
  if (peer.auth.empty())
    return failed(kNoAuth, fmt::format("{} offers no login{}, and the route has a user", remote, encrypted ? "" : " in plain text"),
                  remote);
  const bool plain_alone = !encrypted && (peer.has_auth("PLAIN") || peer.has_auth("LOGIN"));
  if (plain_alone)
    return failed(
        kNeedsEncryption,
        fmt::format("{} would have the password of {} in plain text: write tls = \"verify\" for the route", remote, terms.login->authcid),
        remote);
  return failed(kNoAuth,
                fmt::format("{} offers no login that is known here: it has {}, we have {}", remote, fmt::join(peer.auth, ", "),
                            fmt::join(sasl::kClientMechanisms, ", ")),
                remote);
}

}  // namespace

Task<Step> log_in(const Terms& terms, const smtp::Extensions& peer, bool encrypted, std::string remote, Exchange exchange) {
  Step done = nothing_fits(terms, peer, encrypted, remote);
  for (const std::string_view mechanism : sasl::kClientMechanisms) {
    if (!peer.has_auth(mechanism)) continue;
    if (sasl::sends_the_password(mechanism) && !encrypted && !terms.loopback) continue;
    std::string name(mechanism);
    std::string server = remote;
    Login login(terms, std::move(name), std::move(server), exchange);
    done = co_await login.run();
    if (done || !login.is_unknown()) break;
  }
  const bool was_lost = !done && done.error().remote_reply.empty() && done.error().status.subject == 4;
  if (!done && !was_lost) tell(done.error(), terms.login->authcid);
  co_return done;
}

}  // namespace godwit::outbound
