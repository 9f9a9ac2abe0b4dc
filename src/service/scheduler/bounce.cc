#include "service/scheduler/bounce.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

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

constexpr std::string_view kBounce = "bounce";
constexpr std::string_view kDelayNotice = "delay notice";
constexpr std::string_view kToPostmaster = "double bounce";

// Without RET the choice is ours (RFC 3461 4.3): a whole message up to this size, the headers of a larger one.
constexpr std::uint64_t kFullUnasked = 64 * 1024;

bool return_full(const Message& message, Notice notice) {
  const std::uint64_t size = message.prefix.size() + message.size;
  if (notice == Notice::delay || message.ret == Message::Return::headers) return false;
  return size <= (message.ret == Message::Return::full ? dsn::kFullLimit : kFullUnasked);
}

// The host's name out of "mx.example.net [192.0.2.1]:25". What we decided ourselves has no remote MTA.
std::string remote_mta(const Outcome& outcome) {
  if (outcome.remote == "local" || outcome.remote_reply.empty()) return {};
  return outcome.remote.substr(0, outcome.remote.find(' '));
}

dsn::Recipient describe(const Recipient& recipient, const Message& message, const Settings& settings, Notice notice, WallTime now) {
  dsn::Recipient row;
  row.address = recipient.address.text();
  row.orcpt = recipient.orcpt;
  row.action = notice == Notice::failure ? dsn::Action::failed : dsn::Action::delayed;
  row.status = recipient.last.status.text();
  row.remote_mta = remote_mta(recipient.last);
  row.diagnostic = recipient.last.remote_reply;
  row.explanation = recipient.last.text;
  if (!recipient.original.empty() && recipient.original != row.address)
    row.explanation = fmt::format("reached through {}: {}", recipient.original, recipient.last.text);
  row.last_attempt = now;
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

dsn::Input make_input(const Context& context, const Message& message, Notice notice, const std::vector<std::size_t>& recipients) {
  const auto settings = context.settings();
  dsn::Input input;
  input.reporting_mta = settings->hostname;
  input.date = context.clock.now();
  input.message_id = fmt::format("dsn-{}-{}", message.id.text(), context.random.text(8));
  input.boundary = "dsn-" + context.random.text(24);
  input.arrival = message.accepted;
  input.envid = message.envid;
  for (const std::size_t index : recipients)
    input.recipients.push_back(describe(message.recipients[index], message, *settings, notice, input.date));
  return input;
}

metrics::Counter& counter(std::string_view what) {
  constexpr const char* kName = "godwit_scheduler_reports_total";
  constexpr const char* kHelp = "Reports handed to intake";
  static auto& bounces = metrics::counter(kName, kHelp, {{"notice", "failure"}});
  static auto& delays = metrics::counter(kName, kHelp, {{"notice", "delay"}});
  static auto& postmaster = metrics::counter(kName, kHelp, {{"notice", "postmaster"}});
  return what == kBounce ? bounces : what == kDelayNotice ? delays : postmaster;
}

Reported conclude(const Context& context, const Message& message, std::string_view what, const std::string& to, const smtp::Reply& reply) {
  const std::string name = message.id.text();
  const std::string words = reply.one_line();
  if (reply.positive()) {
    counter(what).add();
    context.trace.add(message.id, "reported", fmt::format("{} to <{}>: {}", what, to, words));
    log::info("reported", {{"msg", name}, {"notice", what}, {"to", to}, {"reply", words}});
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
  Task<smtp::Reply> send(smtp::Address to, std::string session, std::string because);
  dsn::Report make(const smtp::Address& to, std::string because) const;

  const Context& context_;
  const Message& message_;
  const Notice notice_;
  const std::vector<std::size_t> recipients_;
  std::optional<std::string> original_;
  bool full_ = false;
};

Task<bool> Reporting::read() {
  if (original_) co_return true;
  full_ = return_full(message_, notice_);
  auto original = co_await read_original(context_.blobs, message_, full_ ? dsn::kFullLimit : dsn::kHeaderLimit);
  if (!original) co_return false;
  full_ = full_ && original->size() == message_.prefix.size() + message_.size;
  original_ = *std::move(original);
  co_return true;
}

dsn::Report Reporting::make(const smtp::Address& to, std::string because) const {
  const queue::WorkingOn working(message_.id);
  dsn::Input input = make_input(context_, message_, notice_, recipients_);
  input.to = to.text();
  input.to_postmaster_because = std::move(because);
  input.original = *original_;
  input.original_is_full = full_;
  return dsn::build_report(input);
}

// A message that was just small enough to be taken may be too big with a report around it: then its header goes back alone.
Task<smtp::Reply> Reporting::send(smtp::Address to, std::string session, std::string because) {
  while (true) {
    dsn::Report made = make(to, because);
    intake::OwnMail mail{session, context_.settings()->hostname, to, std::move(made.bytes), made.eight_bit, made.smtputf8};
    auto reply = co_await intake::hand_in(context_.intake, std::move(mail));
    const bool too_big = reply.permanent() && reply.enhanced == smtp::EnhancedCode{5, 3, 4};
    if (!too_big || !full_) co_return reply;
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
  const std::string_view what = notice_ == Notice::failure ? kBounce : kDelayNotice;
  const smtp::Address& sender = message_.reverse_path.address();
  std::string session = "dsn-" + message_.id.text();
  std::string no_because;
  const smtp::Reply reply = co_await send(sender, std::move(session), std::move(no_because));
  const Reported reported = conclude(context_, message_, what, sender.text(), reply);
  if (reported != Reported::undeliverable || notice_ == Notice::delay) co_return reported;
  std::string because =
      fmt::format("the sender of this message, <{}>, cannot be told of the failure. It was refused: {}", sender.text(), reply.one_line());
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
  const smtp::Reply reply = co_await send(to, std::move(session), std::move(because));
  const Reported reported = conclude(context_, message_, kToPostmaster, to.text(), reply);
  if (reported != Reported::undeliverable) co_return reported;
  drop(context_, message_, fmt::format("<{}> does not take the report: {}", to.text(), reply.one_line()));
  co_return reported;
}

}  // namespace

Task<Reported> report(const Context& context, const Message& message, Notice notice, std::vector<std::size_t> recipients) {
  // NOTIFY (RFC 3461 4.1) is about the sender alone; where there is none, the postmaster hears of every failure.
  const bool nobody_sent_it = message.reverse_path.is_null();
  std::erase_if(recipients, [&](std::size_t index) {
    const Recipient& recipient = message.recipients[index];
    return notice == Notice::delay ? !wants_delay(recipient) : !nobody_sent_it && !wants_failure(recipient);
  });
  if (recipients.empty() || (nobody_sent_it && notice == Notice::delay)) co_return Reported::nobody;
  Reporting reporting(context, message, notice, std::move(recipients));
  if (!nobody_sent_it) co_return co_await reporting.tell_sender();
  std::string because = "the message has no sender to tell (MAIL FROM:<>): it is a report or an automatic answer itself.";
  co_return co_await reporting.tell_postmaster(std::move(because));
}

}  // namespace godwit::scheduler
