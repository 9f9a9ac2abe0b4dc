#include "service/intake/transaction.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/bytes.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/events/report.h"
#include "service/intake/bursts.h"
#include "service/intake/replies.h"
#include "state/mailbox/mailbox.h"
#include "state/queue/owed_report.h"

namespace godwit::intake {
namespace {

using smtp::Address;
using smtp::Reply;

struct Counters {
  metrics::Counter& messages = metrics::counter("godwit_intake_messages_total", "Messages that were kept");
  metrics::Counter& bytes = metrics::counter("godwit_intake_bytes_total", "Bytes of the messages that were kept");
  metrics::Counter& refused = metrics::counter("godwit_intake_refused_total", "Messages refused after their body");
  metrics::Counter& held = metrics::counter("godwit_scheduler_held_total", "Messages that were held");  // as the scheduler's own
};
Counters& counters() {
  static Counters instance;
  return instance;
}

const std::string kExpanded = "expanded ";  // in front of an alias, among the addresses that were seen

class TheTransaction final : public Transaction {
 public:
  TheTransaction(const Context& context, std::shared_ptr<const Settings> settings, Source source, MailParameters parameters)
      : context_(context), settings_(std::move(settings)), source_(std::move(source)), parameters_(std::move(parameters)) {}

  Task<Reply> add_recipient(Address recipient, queue::Notify notify, std::string orcpt) override;
  std::size_t recipients() const override { return given_; }
  Reply begin_body() override;
  Task<> append(std::string_view chunk) override;
  bool failed() const override { return refusal_.has_value(); }
  Task<Reply> commit() override;

 private:
  bool trusted() const;
  std::size_t max_recipients() const { return trusted() ? settings_->max_recipients : settings_->max_recipients_anyone; }
  Task<std::optional<Reply>> refuse_relaying(smtp::Domain domain);
  static bool must_be_reached(const Address& recipient);
  Task<bool> is_full(directory::AccountId account);
  Task<bool> are_full(std::vector<Address> ends);
  Task<Reply> take_local(Address given, directory::Account account, queue::Recipient recipient);
  Task<Reply> take_alias(Address given, queue::Recipient recipient);
  static std::optional<Reply> refuse_alias(const Address& alias, directory::Directory::AliasTrouble trouble);
  Task<Result<void>> take_ends(Address given, queue::Recipient model, std::vector<Address> ends);
  static std::string key_of(const Address& address, bool local);
  void take(queue::Recipient recipient, bool local);
  Reply accepted();
  void refuse(Reply reply);
  void refuse(const Error& error);
  Task<Result<void>> keep();
  Task<routing::Envelope> envelope_for(smtp::Domain recipient);
  Task<std::string> find_tenant();
  queue::Message make_message(Prefix prefix, std::string tenant);
  void tell(queue::Message message, std::string message_id);
  void tell_held(const queue::Message& message) const;
  std::string describe(const queue::Message& message) const;

  const Context& context_;
  std::shared_ptr<const Settings> settings_;
  Source source_;
  MailParameters parameters_;
  std::vector<queue::Recipient> recipients_;
  std::unordered_set<std::string> seen_;
  smtp::Domain first_local_;  // domain of the first RCPT that is ours
  Address only_;              // as given, while there is one alone
  std::string hold_because_;  // while every recipient's route says hold: why
  bool goes_on_ = false;      // a recipient's route leads on
  std::size_t given_ = 0;     // RCPT commands that were accepted
  MessageId id_;
  std::unique_ptr<store::BlobWriter> body_;
  message::HeaderScanner header_;
  std::optional<Reply> refusal_;
};

// Who may send anywhere: those we know, and ourselves.
bool TheTransaction::trusted() const {
  switch (source_.door) {
    case Source::Door::local: return true;
    case Source::Door::submission: return source_.account.has_value();
    case Source::Door::mx: return source_.may_relay;
  }
  return false;
}

// THE decision about the open relay; there is no other.
Task<std::optional<Reply>> TheTransaction::refuse_relaying(smtp::Domain domain) {
  if (trusted()) co_return std::nullopt;
  const auto router = context_.router();
  const auto ours = co_await router->accepts_from_anyone(std::move(domain));
  if (!ours) co_return replies::directory_unavailable();
  if (!*ours) co_return replies::relaying_denied();
  co_return std::nullopt;
}

Task<Reply> TheTransaction::add_recipient(Address address, queue::Notify notify, std::string orcpt) {
  if (!address.is_ascii() && !parameters_.smtputf8) co_return replies::recipient_needs_smtputf8();
  if (given_ >= max_recipients()) co_return replies::too_many_recipients(max_recipients());
  if (recipients_.size() >= settings_->max_expanded) co_return replies::too_many_expanded(address.text(), settings_->max_expanded);
  smtp::Domain domain = address.domain;
  if (auto refusal = co_await refuse_relaying(std::move(domain))) co_return *std::move(refusal);

  const auto router = context_.router();
  Address target = address;
  smtp::Domain to = address.domain;
  const routing::Envelope envelope = co_await envelope_for(std::move(to));
  auto routed = co_await router->route(std::move(target), envelope);
  if (!routed) {
    log::warning("routing_failed", {{"session", source_.session}, {"rcpt", address.text()}, {"error", routed.error().text}});
    co_return replies::directory_unavailable();
  }
  if (auto* refused = std::get_if<routing::Refused>(&*routed)) co_return std::move(refused->reply);
  if (given_ == 0) only_ = address;

  queue::Recipient recipient;
  recipient.address = address;
  recipient.orcpt = std::move(orcpt);
  recipient.notify = notify;
  if (auto* local = std::get_if<routing::ToLocal>(&*routed)) {
    co_return co_await take_local(std::move(address), std::move(local->account), std::move(recipient));
  }
  if (std::holds_alternative<routing::ToAlias>(*routed)) co_return co_await take_alias(std::move(address), std::move(recipient));
  auto* hold = std::get_if<routing::ToHold>(&*routed);
  if (hold != nullptr && !router->decides_after_rcpt())
    hold_because_ = std::move(hold->why);
  else
    goes_on_ = true;
  take(std::move(recipient), false);
  co_return accepted();
}

// What routes may be asked with at RCPT: the header is to come, and the tenant is who this recipient alone would make it.
Task<routing::Envelope> TheTransaction::envelope_for(smtp::Domain recipient) {
  routing::Envelope envelope{parameters_.reverse_path, {}, {}};
  if (!context_.router()->decides_after_rcpt()) co_return envelope;
  envelope.tenant = co_await find_tenant();
  if (!envelope.tenant.empty()) co_return envelope;
  std::string domain = recipient.text();
  const auto local = co_await context_.directory.is_local(std::move(recipient));
  if (local && *local) envelope.tenant = std::move(domain);
  co_return envelope;
}

// Whoever cannot be asked is not full: the quota is not worth a message. What this machine's own programs send is never too much: nobody
// would try again.
Task<bool> TheTransaction::is_full(directory::AccountId account) {
  const mailbox::Quota quota = settings_->quota;
  if (context_.mailboxes == nullptr || quota.none()) co_return false;
  if (source_.door == Source::Door::local) co_return false;
  const auto room = co_await context_.mailboxes->has_room(account, parameters_.size.value_or(0), quota);
  co_return room && !*room;
}

// RFC 5321 4.5.1: as far as it goes the postmaster is reached; RFC 2142 4 says what abuse@ is for.
bool TheTransaction::must_be_reached(const Address& recipient) {
  return ascii_iequals(recipient.local.text(), "postmaster") || ascii_iequals(recipient.local.text(), "abuse");
}

// One end with room is enough, or a full account would stop the mail of all others behind the alias.
Task<bool> TheTransaction::are_full(std::vector<Address> ends) {
  constexpr std::size_t kFew = 50;  // so many are not asked one by one
  if (context_.mailboxes == nullptr || settings_->quota.none() || ends.size() > kFew) co_return false;
  for (Address& end : ends) {
    const auto router = context_.router();
    smtp::Domain to = end.domain;
    const routing::Envelope envelope = co_await envelope_for(std::move(to));
    const auto routed = co_await router->route(std::move(end), envelope);
    const auto* local = routed ? std::get_if<routing::ToLocal>(&*routed) : nullptr;
    if (local == nullptr || !co_await is_full(local->account.id)) co_return false;
  }
  co_return true;
}

Task<Reply> TheTransaction::take_local(Address given, directory::Account account, queue::Recipient recipient) {
  if (!must_be_reached(given) && co_await is_full(account.id)) co_return replies::mailbox_full(given.text());
  if (first_local_.empty()) first_local_ = given.domain;
  goes_on_ = true;
  // the account's own spelling, so that "Bob@" and "bob@" are one recipient; a +tag stays
  const bool same_domain = given.domain == account.address.domain;
  if (same_domain && ascii_iequals(given.local.text(), account.address.local.text())) recipient.address = account.address;
  take(std::move(recipient), true);
  co_return accepted();
}

Task<Reply> TheTransaction::take_alias(Address given, queue::Recipient recipient) {
  Address asked = given;
  auto expansion = co_await context_.directory.expand(std::move(asked));
  if (!expansion) co_return replies::directory_unavailable();
  if (auto refusal = refuse_alias(given, expansion->trouble)) co_return *std::move(refusal);
  if (expansion->ends.empty()) co_return replies::unknown_user();
  auto asked_for_room = expansion->ends;
  if (!must_be_reached(given) && co_await are_full(std::move(asked_for_room))) co_return replies::mailbox_full(given.text());
  recipient.original = given.text();
  auto ends = std::move(expansion->ends);
  Address alias = given;
  const auto taken = co_await take_ends(std::move(alias), std::move(recipient), std::move(ends));
  if (!taken) {
    if (taken.error().cause == Error::Cause::limit) co_return replies::too_many_expanded(given.text(), settings_->max_expanded);
    co_return replies::directory_unavailable();
  }
  if (first_local_.empty()) first_local_ = given.domain;
  co_return accepted();
}

// What only the alias's administrator can mend is refused for good: the sender hears of it now and not after days.
std::optional<Reply> TheTransaction::refuse_alias(const Address& alias, directory::Directory::AliasTrouble trouble) {
  using Trouble = directory::Directory::AliasTrouble;
  switch (trouble) {
    case Trouble::none: return std::nullopt;
    case Trouble::circle: return replies::alias_loop(alias.text());
    case Trouble::too_deep: return replies::alias_too_deep(alias.text(), directory::Directory::kMaxAliasDepth);
    case Trouble::too_wide: return replies::alias_too_wide(alias.text(), directory::Directory::kMaxAliasAddresses);
  }
  return std::nullopt;
}

// All of them or, when they are too many for one message (`limit`), none.
Task<Result<void>> TheTransaction::take_ends(Address given, queue::Recipient model, std::vector<Address> ends) {
  std::vector<bool> local;
  std::size_t fresh = 0;
  for (const auto& end : ends) {
    smtp::Domain domain = end.domain;
    GODWIT_CO_ASSIGN(const bool ours, co_await context_.directory.is_local(std::move(domain)));
    local.push_back(ours);
    if (!seen_.contains(key_of(end, ours))) ++fresh;
  }
  // RFC 3461 5.2.7.2: to a single address the request goes on as it is; 5.2.7.3 (c): of several each is asked to report trouble alone,
  // and we say that the alias was expanded
  const bool tell_expanded = model.notify.success && (ends.size() > 1 || fresh == 0) && !seen_.contains(kExpanded + key_of(given, true));
  if (recipients_.size() + fresh + (tell_expanded ? 1 : 0) > settings_->max_expanded)
    co_return fail(Error::temporary(Error::Cause::limit, "too many recipients"));
  if (tell_expanded) {
    seen_.insert(kExpanded + key_of(given, true));
    recipients_.push_back(queue::expanded_alias(given, model, ends.size()));
  }
  if (ends.size() > 1) model.notify.success = false;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    model.address = std::move(ends[i]);
    take(model, local[i]);
  }
  goes_on_ = true;  // where the ends go is the scheduler's to ask
  co_return Result<void>{};
}

// RFC 5321 2.4: only the host that an address belongs to may look at the case of its local part.
std::string TheTransaction::key_of(const Address& address, bool local) {
  std::string key = address.text();
  return local ? ascii_lower(key) : key;
}

// Named twice: told of all that either wish asks for (RFC 3461 5.2.6 (c): NEVER of one is not NEVER of the other).
void merge_wishes(queue::Recipient& into, const queue::Recipient& other) {
  if (into.orcpt.empty()) into.orcpt = other.orcpt;
  if (!into.notify.given && !other.notify.given) return;
  const auto meant = [](queue::Notify notify) {
    if (!notify.given) notify.failure = notify.delay = true;
    return notify;
  };
  const queue::Notify a = meant(into.notify);
  const queue::Notify b = meant(other.notify);
  into.notify = {true, a.never && b.never, a.success || b.success, a.failure || b.failure, a.delay || b.delay};
}

void TheTransaction::take(queue::Recipient recipient, bool local) {
  const std::string key = key_of(recipient.address, local);
  if (seen_.insert(key).second) {
    recipients_.push_back(std::move(recipient));
    return;
  }
  const auto known = std::ranges::find_if(recipients_, [&](const queue::Recipient& other) { return key_of(other.address, local) == key; });
  if (known != recipients_.end()) merge_wishes(*known, recipient);
}

Reply TheTransaction::accepted() {
  ++given_;
  return replies::recipient_ok();
}

Reply TheTransaction::begin_body() {
  if (given_ == 0) return replies::no_recipients();
  id_ = context_.queue.next_id(context_.loop());
  body_ = context_.blobs.begin(queue::Queue::partition_of(id_), id_.value);
  return replies::go_ahead();
}

void TheTransaction::refuse(Reply reply) {
  refusal_ = std::move(reply);
  body_.reset();  // what was written so far is abandoned
}

void TheTransaction::refuse(const Error& error) {
  log::warning("message_not_kept", {{"msg", id_.text()}, {"session", source_.session}, {"error", error.text}});
  refuse(error.cause == Error::Cause::full ? replies::store_full() : replies::try_later());
}

Task<> TheTransaction::append(std::string_view chunk) {
  if (failed()) co_return;
  GODWIT_CHECK(body_ != nullptr);
  if (!header_.done()) {
    header_.feed(chunk);
    const auto hops = header_.summary().received;
    if (hops > settings_->max_received) co_return refuse(replies::loop(hops, settings_->max_received));
  }
  if (body_->size() + chunk.size() > settings_->max_message_size) co_return refuse(replies::too_big(settings_->max_message_size));
  auto written = co_await body_->append(chunk);
  if (!written) refuse(written.error());
}

Task<Reply> TheTransaction::commit() {
  GODWIT_CHECK(body_ != nullptr || failed());
  header_.finish();
  if (!failed()) {
    auto kept = co_await keep();
    if (kept) co_return replies::kept(id_.text());
    refuse(kept.error());
  }
  counters().refused.add();
  co_return *refusal_;
}

Task<Result<void>> TheTransaction::keep() {
  const std::string only = given_ == 1 ? only_.text() : std::string();
  auto prefix = make_prefix(source_, parameters_, header_.summary(), *settings_, id_, body_->size(), only, context_.clock.now());
  std::string message_id = prefix.message_id;
  auto tenant = co_await find_tenant();
  auto message = make_message(std::move(prefix), std::move(tenant));
  message.size = body_->size();
  message.message_id = message_id;
  if (context_.bursts != nullptr && !message.identity.empty() && source_.door == Source::Door::submission)
    co_await context_.bursts->count(message.identity, message.recipients.size(), source_.remote.address);
  GODWIT_CO_ASSIGN(message.blob, co_await body_->finish());
  // THE commit point. After an error the queue has taken everything back, the bytes too.
  GODWIT_CO_TRY(co_await context_.queue.accept(message, *body_));
  tell(std::move(message), std::move(message_id));
  co_return Result<void>{};
}

// DESIGN.md "Queue": the domain of who sends, or else of the recipient. A stranger's sender address proves nothing.
Task<std::string> TheTransaction::find_tenant() {
  if (source_.account) co_return source_.account->address.domain.text();
  if (trusted() && !parameters_.reverse_path.is_null()) {
    smtp::Domain domain = parameters_.reverse_path.address().domain;
    const auto local = co_await context_.directory.is_local(std::move(domain));
    if (local && *local) co_return parameters_.reverse_path.address().domain.text();
  }
  co_return first_local_.text();
}

queue::Message TheTransaction::make_message(Prefix prefix, std::string tenant) {
  queue::Message message;
  message.id = id_;
  message.reverse_path = parameters_.reverse_path;
  message.recipients = std::move(recipients_);
  message.body_8bit = parameters_.body_8bit;
  message.smtputf8 = parameters_.smtputf8;
  message.envid = parameters_.envid;
  message.ret = parameters_.ret;
  message.tenant = std::move(tenant);
  if (source_.account) message.identity = source_.account->address.text();
  const smtp::Address* account = source_.account ? &source_.account->address : nullptr;
  message.priority = priority_by_class(settings_->priorities, parameters_.reverse_path, trusted(), account, message.tenant);
  const bool network = source_.door != Source::Door::local;
  message.client = network       ? fmt::format("{} ({})", source_.remote.address.text(), source_.helo)
                   : source_.uid ? fmt::format("uid {} ({})", *source_.uid, source_.helo)
                                 : source_.helo;
  message.session = source_.session;
  message.prefix = std::move(prefix.text);
  message.accepted = context_.clock.now();
  // Nothing to try: kept at once as what the scheduler would make of it, which saves a second write.
  message.held = !goes_on_;
  if (message.held) message.held_because = hold_because_;
  return message;
}

std::string TheTransaction::describe(const queue::Message& message) const {
  std::string how = source_.tls ? source_.tls->version : "no TLS";
  if (!message.identity.empty()) how += ", authenticated as " + message.identity;
  const std::size_t count = message.recipients.size();
  return fmt::format("from <{}> for {} {}, {} bytes, client {}, {}, session {}", message.reverse_path.text(), count,
                     count == 1 ? "recipient" : "recipients", message.size, message.client, how, message.session);
}

void TheTransaction::tell(queue::Message message, std::string message_id) {
  counters().messages.add();
  counters().bytes.add(message.size);
  trace::Keys keys{std::move(message_id), message.reverse_path.text(), {}};
  keys.recipients.reserve(message.recipients.size());
  for (const auto& recipient : message.recipients) keys.recipients.push_back(recipient.address.text());
  log::info("accepted", {{"msg", id_.text()},
                         {"session", message.session},
                         {"from", keys.sender},
                         {"rcpts", message.recipients.size()},
                         {"size", message.size},
                         {"message_id", keys.message_id}});
  context_.trace.keys(id_, std::move(keys));
  context_.trace.add(id_, "accepted", describe(message));
  events::report_accepted(context_.events, message, message.message_id, source_.tls ? source_.tls->version : std::string());
  const bool to_do = !message.rows.waiting;
  if (!to_do) tell_held(message);  // else the scheduler will
  if (to_do && context_.on_accepted) context_.on_accepted(std::move(message));
}

void TheTransaction::tell_held(const queue::Message& message) const {
  counters().held.add();
  log::info("held", {{"msg", id_.text()}, {"reason", message.held_because}});
  context_.trace.add(id_, "held", message.held_because);
  events::report(context_.events, events::Type::held, message, message.held_because);
  context_.trace.finish(id_);
}

}  // namespace

std::unique_ptr<Transaction> make_transaction(const Context& context, std::shared_ptr<const Settings> settings, Source source,
                                              MailParameters parameters) {
  return std::make_unique<TheTransaction>(context, std::move(settings), std::move(source), std::move(parameters));
}

}  // namespace godwit::intake
