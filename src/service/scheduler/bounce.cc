#include "service/scheduler/bounce.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/ip.h"
#include "base/log.h"
#include "base/metrics.h"
#include "grammar/dsn/original.h"
#include "grammar/dsn/report.h"
#include "service/intake/own_mail.h"
#include "service/scheduler/retry.h"
#include "state/queue/crash_note.h"

namespace godwit::scheduler {
namespace {

using queue::Message;
using queue::Outcome;
using queue::Recipient;

// Every report for the postmaster is accepted under a session id that begins so, and queued with it: should it fail itself, nobody is told.
// No session of a client can have such an id. on disk: do not change (docs/formats/queue.md)
constexpr std::string_view kPostmasterSession = "dsn-postmaster-";
constexpr std::string_view kOwnSession = "dsn-";  // of every report of ours. on disk: do not change

constexpr std::string_view kBounce = "bounce";
constexpr std::string_view kSuccess = "success report";
constexpr std::string_view kDelayNotice = "delay notice";
constexpr std::string_view kToPostmaster = "double bounce";

// Without RET the choice is ours (RFC 3461 4.3): a whole message up to this size, the headers of a larger one.
constexpr std::uint64_t kFullUnasked = 64 * 1024;

bool is_bounced(const Recipient& recipient) { return recipient.state == Recipient::State::bounced; }

dsn::Action action_of(const Recipient& recipient, Notice notice) {
  if (notice == Notice::delay) return dsn::Action::delayed;
  if (is_bounced(recipient)) return dsn::Action::failed;
  switch (recipient.last.success) {
    case Outcome::Success::delivered: return dsn::Action::delivered;
    case Outcome::Success::relayed:
    case Outcome::Success::passed_on: return dsn::Action::relayed;
    case Outcome::Success::expanded: return dsn::Action::expanded;
  }
  return dsn::Action::delivered;
}

// RFC 3461 4.3, 6.2: RET is about reports of a failure; any other has the header alone.
bool return_full(const Message& message, bool any_failed) {
  const std::uint64_t size = message.prefix.size() + message.size;
  if (!any_failed || message.ret == Message::Return::headers) return false;
  return size <= (message.ret == Message::Return::full ? dsn::kFullLimit : kFullUnasked);
}

// The host's name out of "mx.example.net [192.0.2.1]:25". What we decided ourselves has no remote MTA; one that did not answer is named
// all the same (RFC 3461 6.3 (h)).
std::string remote_mta(const Outcome& outcome) {
  const bool is_host = outcome.remote.find(" [") != std::string::npos;
  if (outcome.remote == "local" || (outcome.remote_reply.empty() && !is_host)) return {};
  return outcome.remote.substr(0, outcome.remote.find(' '));
}

// RFC 3464 2.2.4: what the client called itself, and its address: out of "192.0.2.7 (client.example)". A program of this machine is none.
dsn::ReceivedFrom received_from(const Message& message) {
  const std::string_view client = message.client;
  const std::size_t gap = client.find(" (");
  const auto address = parse_ip(client.substr(0, gap));
  if (!address || gap == std::string_view::npos || !client.ends_with(')')) return {};
  return {std::string(client.substr(gap + 2, client.size() - gap - 3)), address->literal()};
}

dsn::Recipient describe(const Recipient& recipient, const Message& message, const Settings& settings, Notice notice, WallTime now) {
  dsn::Recipient row;
  row.address = recipient.address.text();
  row.orcpt = recipient.orcpt;
  row.action = action_of(recipient, notice);
  row.status = recipient.last.status.text();
  row.remote_mta = remote_mta(recipient.last);
  row.diagnostic = recipient.last.remote_reply;
  row.explanation = recipient.last.text;
  if (!recipient.original.empty() && recipient.original != row.address)
    row.explanation = fmt::format("reached through {}: {}", recipient.original, recipient.last.text);
  row.last_attempt = now;
  const bool ended_here = row.action == dsn::Action::delivered || (row.action == dsn::Action::failed && row.remote_mta.empty());
  if (ended_here) row.log_id = message.id.text();
  if (notice == Notice::delay) row.will_retry_until = expires(message, settings);
  return row;
}

// What can be read of the original: the whole, or at least its beginning. Damaged bytes leave our own fields.
Task<Result<std::string>> read_original(store::Blobs& blobs, const Message& message, std::size_t most) {
  std::string original = message.prefix;
  std::uint64_t offset = 0;
  while (original.size() < most && offset < message.size) {
    auto chunk = co_await blobs.read(message.blob, offset, most - original.size());
    if (!chunk && chunk.error().kind == Error::Kind::temporary) co_return std::unexpected(std::move(chunk).error());
    if (!chunk || chunk->empty()) break;
    offset += chunk->size();
    original += *chunk;
  }
  co_return original;
}

// `settings` outlive the result, which points at their texts.
dsn::Input make_input(const Context& context, const Settings& settings, const Message& message, Notice notice,
                      const std::vector<std::size_t>& recipients) {
  dsn::Input input;
  input.reporting_mta = settings.hostname;
  input.date = context.clock.now();
  input.message_id = fmt::format("dsn-{}-{}", message.id.text(), context.random.text(8));
  input.boundary = "dsn-" + context.random.text(24);
  input.arrival = message.accepted;
  input.received_from = received_from(message);
  input.texts = settings.texts.get();
  input.tenant = message.tenant;
  input.envid = message.envid;
  for (const std::size_t index : recipients)
    input.recipients.push_back(describe(message.recipients[index], message, settings, notice, input.date));
  return input;
}

metrics::Counter& counter(std::string_view what) {
  constexpr const char* kName = "godwit_scheduler_reports_total";
  constexpr const char* kHelp = "Reports handed to intake";
  static auto& bounces = metrics::counter(kName, kHelp, {{"notice", "failure"}});
  static auto& successes = metrics::counter(kName, kHelp, {{"notice", "success"}});
  static auto& delays = metrics::counter(kName, kHelp, {{"notice", "delay"}});
  static auto& postmaster = metrics::counter(kName, kHelp, {{"notice", "postmaster"}});
  return what == kBounce ? bounces : what == kSuccess ? successes : what == kDelayNotice ? delays : postmaster;
}

struct Sent {
  smtp::Reply reply;
  std::string report;  // its Message-ID
};

Reported conclude(const Context& context, const Message& message, std::string_view what, const std::string& to, const Sent& sent) {
  const std::string name = message.id.text();
  const smtp::Reply& reply = sent.reply;
  const std::string words = reply.one_line();
  if (reply.positive()) {
    counter(what).add();
    context.trace.add(message.id, "reported", fmt::format("{} to <{}>, Message-ID {}: {}", what, to, sent.report, words));
    log::info("reported", {{"msg", name}, {"notice", what}, {"to", to}, {"report", sent.report}, {"reply", words}});
    return Reported::sent;
  }
  const bool for_good = reply.permanent();
  context.trace.add(message.id, for_good ? "report refused" : "report failed", fmt::format("{} to <{}> was refused: {}", what, to, words));
  log::warning(for_good ? "report refused" : "report deferred", {{"msg", name}, {"notice", what}, {"to", to}, {"reply", words}});
  return for_good ? Reported::undeliverable : Reported::try_again;
}

// The end of a message that nobody can be told about.
Reported drop(const Context& context, const Message& message, const std::string& why) {
  const std::string name = message.id.text();
  context.trace.add(message.id, "dropped", "nobody is told: " + why);
  log::error("undeliverable mail dropped, nobody could be told", {{"msg", name}, {"why", why}});
  return Reported::nobody;
}

// The router knows which domains are served here.
Task<Result<std::optional<smtp::Address>>> find_postmaster(const Context& context) {
  const auto router = context.router();
  for (const smtp::Address& address : directory::postmaster_addresses(context.settings()->hostname)) {
    smtp::Domain domain = address.domain;
    GODWIT_CO_ASSIGN(const bool local, co_await router->accepts_from_anyone(std::move(domain)));
    if (local) co_return address;
  }
  co_return std::optional<smtp::Address>();
}

// One report on its way: what it is about, and the original's bytes for as many attempts to tell somebody as it takes.
class Reporting {
 public:
  Reporting(const Context& context, const Message& message, Notice notice, std::vector<std::size_t> recipients)
      : context_(context), message_(message), notice_(notice), recipients_(std::move(recipients)) {}

  Task<Reported> tell_sender();
  Task<Reported> tell_postmaster(std::string because);

 private:
  Task<bool> read();
  Task<Sent> send(smtp::Address to, std::string session, std::string because);
  dsn::Report make(const smtp::Address& to, std::string because) const;
  bool any_failed() const {
    return std::ranges::any_of(recipients_, [this](std::size_t index) { return is_bounced(message_.recipients[index]); });
  }
  std::string_view what() const { return notice_ == Notice::delay ? kDelayNotice : any_failed() ? kBounce : kSuccess; }

  const Context& context_;
  const Message& message_;
  const Notice notice_;
  std::vector<std::size_t> recipients_;
  std::optional<std::string> original_;
  bool full_ = false;
};

Task<bool> Reporting::read() {
  if (original_) co_return true;
  full_ = return_full(message_, any_failed());
  auto original = co_await read_original(context_.blobs, message_, full_ ? dsn::kFullLimit : dsn::kHeaderLimit);
  if (!original) co_return false;
  full_ = full_ && original->size() == message_.prefix.size() + message_.size;
  original_ = *std::move(original);
  co_return true;
}

dsn::Report Reporting::make(const smtp::Address& to, std::string because) const {
  const queue::WorkingOn working(message_.id);
  const auto settings = context_.settings();
  dsn::Input input = make_input(context_, *settings, message_, notice_, recipients_);
  input.to = to.text();
  input.to_postmaster_because = std::move(because);
  input.original = *original_;
  input.original_is_full = full_;
  return dsn::build_report(input);
}

// A message that was just small enough to be taken may be too big with a report around it: then its header goes back alone.
Task<Sent> Reporting::send(smtp::Address to, std::string session, std::string because) {
  while (true) {
    dsn::Report made = make(to, because);
    intake::OwnMail mail{session, context_.settings()->hostname, to, std::move(made.bytes), made.eight_bit, made.smtputf8};
    auto reply = co_await intake::hand_in(context_.intake, std::move(mail));
    const bool too_big = reply.permanent() && reply.enhanced == smtp::EnhancedCode{5, 3, 4};
    if (!too_big || !full_) {
      Sent sent{std::move(reply), std::move(made.message_id)};
      co_return sent;
    }
    full_ = false;
  }
}

Task<Reported> Reporting::tell_sender() {
  if (!co_await read()) co_return Reported::try_again;
  if (notice_ == Notice::delay) {
    // RFC 3834 2, 5: mail of programs and lists is not answered. Failures are reported to whoever sent it (RFC 5321 6.1).
    const std::string unwanted = dsn::unwanted_answer_because(dsn::header_section(*original_, dsn::kHeaderLimit));
    if (!unwanted.empty()) {
      context_.trace.add(message_.id, "not reported", "no delay notice, the message says " + unwanted);
      co_return Reported::nobody;
    }
  }
  const smtp::Address& sender = message_.reverse_path.address();
  std::string session = "dsn-" + message_.id.text();
  std::string no_because;
  const Sent sent = co_await send(sender, std::move(session), std::move(no_because));
  const Reported reported = conclude(context_, message_, what(), sender.text(), sent);
  if (reported != Reported::undeliverable || !any_failed()) co_return reported;
  std::string because = fmt::format("the sender of this message, <{}>, cannot be told of the failure. It was refused: {}", sender.text(),
                                    sent.reply.one_line());
  std::erase_if(recipients_, [this](std::size_t index) { return !is_bounced(message_.recipients[index]); });
  co_return co_await tell_postmaster(std::move(because));
}

Task<Reported> Reporting::tell_postmaster(std::string because) {
  if (message_.session.starts_with(kPostmasterSession)) co_return drop(context_, message_, "it is a report to the postmaster itself");
  const auto postmaster = co_await find_postmaster(context_);
  if (!postmaster) co_return Reported::try_again;
  if (!*postmaster) co_return drop(context_, message_, "no domain of this server has a postmaster for " + context_.settings()->hostname);
  if (!co_await read()) co_return Reported::try_again;
  const smtp::Address& to = **postmaster;
  std::string session = std::string(kPostmasterSession) + message_.id.text();
  const Sent sent = co_await send(to, std::move(session), std::move(because));
  const Reported reported = conclude(context_, message_, kToPostmaster, to.text(), sent);
  if (reported != Reported::undeliverable) co_return reported;
  drop(context_, message_, fmt::format("<{}> does not take the report: {}", to.text(), sent.reply.one_line()));
  co_return reported;
}

}  // namespace

Task<Reported> report(const Context& context, const Message& message, Notice notice, std::vector<std::size_t> recipients) {
  const bool nobody_sent_it = message.reverse_path.is_null();
  // RFC 3461 6.1: our own reports say NEVER, and the postmaster hears of their failure (5.2, the note); who else says it is obeyed.
  const bool own_report = nobody_sent_it && message.session.starts_with(kOwnSession);
  std::erase_if(recipients, [&](std::size_t index) {
    const Recipient& recipient = message.recipients[index];
    if (notice == Notice::delay) return !wants_delay(recipient);
    if (!is_bounced(recipient)) return nobody_sent_it || !wants_success(recipient);
    return nobody_sent_it ? !own_report && recipient.notify.never : !wants_failure(recipient);
  });
  if (recipients.empty() || (nobody_sent_it && notice == Notice::delay)) co_return Reported::nobody;
  Reporting reporting(context, message, notice, std::move(recipients));
  if (!nobody_sent_it) co_return co_await reporting.tell_sender();
  std::string because = "the message has no sender to tell (MAIL FROM:<>): it is a report or an automatic answer itself.";
  co_return co_await reporting.tell_postmaster(std::move(because));
}

}  // namespace godwit::scheduler
