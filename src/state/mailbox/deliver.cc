// Delivery: one batch for all that wait for the same account, exactly once each.

#include "base/metrics.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {
namespace {

using store::Batch;
using store::Keyspace;

constexpr std::size_t kMaxPrefix = 48 * 1024;  // the record holds envelope, structure and preview as well, in 64 KiB

Error no_uid_left() { return Error::permanent(Error::Cause::limit, "the mailbox has used up its UIDs"); }

AccountState new_account(WallTime now) {
  AccountState state;
  state.account.last_mailbox = kInbox;
  state.inbox.name = "INBOX";
  state.inbox.uid_validity = new_uid_validity(now);
  return state;
}

// Adds one delivery to the batch and to the state that the batch will leave behind.
class BatchBuilder {
 public:
  explicit BatchBuilder(AccountState state) : state_(std::move(state)) {
    batch_.require(Keyspace::mailbox, std::string(kAccountKey), state_.version);
    batch_.require_absent(Keyspace::directory, std::string(directory::kRemovedKey));
  }

  Result<Mailboxes::Delivered> add(const Delivery& delivery) {
    if (delivery.email.prefix.size() > kMaxPrefix)
      return fail(Error::permanent(Error::Cause::limit, "the header fields in front of the message are too large"));
    if (state_.inbox.uid_next == UINT32_MAX) return fail(no_uid_left());
    const Uid uid = state_.inbox.uid_next++;
    const EmailId email = ++state_.account.last_email;
    const Modseq modseq = ++state_.account.modseq;
    const std::uint64_t size = delivery.email.prefix.size() + delivery.email.blob_size;
    enter_page(uid);
    count(modseq, size);
    put_rows(delivery, MembershipKey{kInbox, uid}, Membership{email, modseq, size, 0});
    return Mailboxes::Delivered{uid, email, false};
  }

  Batch take_batch() {
    flush_page();
    batch_.put(Keyspace::mailbox, std::string(kAccountKey), encode(state_.account));
    batch_.put(Keyspace::mailbox, mailbox_key(kInbox), encode(state_.inbox));
    return std::move(batch_);
  }
  AccountState take_state(store::RowVersion version) {
    state_.version = version;
    return std::move(state_);
  }

 private:
  void count(Modseq modseq, std::uint64_t size) {
    state_.account.emails += 1;
    state_.account.bytes += size;
    state_.inbox.highest_modseq = modseq;
    state_.inbox.total += 1;
    state_.inbox.unseen += 1;
    state_.inbox.bytes += size;
  }

  void put_rows(const Delivery& delivery, MembershipKey key, Membership member) {
    const NewEmail& from = delivery.email;
    const EmailRow email{{from.prefix, from.blob, from.blob_size, from.received}, member.modseq, delivery.message};
    const Change change{Change::Kind::created, key.mailbox, key.uid, member.email, member.modseq};
    batch_.require_absent(Keyspace::delivered, delivery.key);
    batch_.put(Keyspace::delivered, delivery.key, encode_delivered(key.uid, member.email));
    batch_.require_absent(Keyspace::mailbox, email_key(member.email));  // whatever the counters say, mail is never overwritten
    batch_.require_absent(Keyspace::mailbox, membership_key(key.mailbox, key.uid));
    batch_.put(Keyspace::mailbox, email_key(member.email), encode(email));
    batch_.put(Keyspace::mailbox, membership_key(key.mailbox, key.uid), encode(member));
    batch_.put(Keyspace::mailbox, by_email_key(member.email, key.mailbox, key.uid), "");
    batch_.put(Keyspace::mailbox, change_key(member.modseq), encode(change));
  }

  void enter_page(Uid uid) {
    const std::uint16_t page = UidPage::page_of(uid);
    if (page != state_.page_number) {
      flush_page();
      state_.page_number = page;
      state_.page = UidPage();
    }
    state_.page.insert(static_cast<std::uint16_t>(uid));
    page_changed_ = true;
  }

  void flush_page() {
    if (page_changed_) batch_.put(Keyspace::mailbox, page_key(kInbox, state_.page_number), state_.page.encode());
    page_changed_ = false;
  }

  AccountState state_;
  Batch batch_;
  bool page_changed_ = false;
};

std::vector<Delivery*> still_open(const std::vector<std::shared_ptr<Delivery>>& deliveries) {
  std::vector<Delivery*> open;
  for (const auto& each : deliveries) {
    if (!each->result) open.push_back(each.get());
  }
  return open;
}

void fail_all(const std::vector<Delivery*>& deliveries, const Error& error) {
  for (auto* each : deliveries) each->result = fail(error);
}

// What a batch will answer when it is written.
struct Planned {
  Delivery* delivery = nullptr;
  Mailboxes::Delivered done;
};

std::vector<Planned> plan(BatchBuilder& builder, const std::vector<Delivery*>& open) {
  std::vector<Planned> planned;
  std::unordered_set<std::string_view> keys;
  for (auto* each : open) {
    if (!keys.insert(each->key).second) continue;  // its twin goes first; the next round finds that it has come
    auto done = builder.add(*each);
    if (done)
      planned.push_back({each, *done});
    else
      each->result = fail(std::move(done).error());
  }
  return planned;
}

void count_delivered(std::size_t deliveries) {
  static auto& total = metrics::counter("godwit_mailbox_deliveries_total", "Messages put into mailboxes");
  static auto& batches = metrics::counter("godwit_mailbox_delivery_batches_total", "Batches that put messages into mailboxes");
  total.add(deliveries);
  batches.add();
}

}  // namespace

// RFC 3501 2.3.1.1: a value that grows when a mailbox is made anew; the date and time in seconds is what it recommends.
std::uint32_t new_uid_validity(WallTime now) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

Task<Result<AccountState>> Mailboxes::Impl::load_state(directory::AccountId account) {
  GODWIT_CO_ASSIGN(auto found, co_await read_state(account));
  if (found) co_return *std::move(found);
  GODWIT_CO_ASSIGN(const auto rebuilt, co_await rebuild_in_turn(account));
  if (rebuilt.empty()) co_return new_account(clock.now());
  GODWIT_CO_ASSIGN(found, co_await read_state(account));
  if (!found) co_return fail(Error::temporary(Error::Cause::conflict, "the mailbox is being changed by others"));
  co_return *std::move(found);
}

Task<Result<std::optional<AccountState>>> Mailboxes::Impl::read_state(directory::AccountId account) {
  const auto view = engine.read(directory::partition_of(account));
  AccountState state;
  GODWIT_CO_ASSIGN(state.removed, co_await is_removed(*view));
  if (state.removed) co_return std::move(state);
  GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::mailbox, std::string(kAccountKey)));
  if (!row) co_return std::optional<AccountState>();
  state.version = row->version;
  GODWIT_CO_ASSIGN(state.account, decode_account(row->value));
  GODWIT_CO_ASSIGN(const auto inbox, co_await view->get(Keyspace::mailbox, mailbox_key(kInbox)));
  if (!inbox) co_return std::optional<AccountState>();
  GODWIT_CO_ASSIGN(state.inbox, decode_mailbox(inbox->value));
  state.page_number = UidPage::page_of(state.inbox.uid_next);
  GODWIT_CO_ASSIGN(const auto page, co_await view->get(Keyspace::mailbox, page_key(kInbox, state.page_number)));
  if (page) {
    GODWIT_CO_ASSIGN(state.page, UidPage::decode(page->value));
  }
  co_return std::move(state);
}

Task<Result<void>> Mailboxes::Impl::look_for_delivered(directory::AccountId account, std::vector<Delivery*> deliveries) {
  const auto view = engine.read(directory::partition_of(account));
  for (auto* each : deliveries) {
    GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::delivered, each->key));
    if (row) each->result = decode_delivered(row->value);
  }
  co_return Result<void>{};
}

Task<> Mailboxes::Impl::deliver_group(directory::AccountId account, std::vector<std::shared_ptr<Delivery>> deliveries,
                                      std::optional<AccountState>& state) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::vector<Delivery*> open = still_open(deliveries);
    if (open.empty()) co_return;
    if (!state) {
      auto loaded = co_await load_state(account);
      if (!loaded) co_return fail_all(open, loaded.error());
      state = *std::move(loaded);
    }
    if (state->removed) co_return fail_all(open, account_gone());

    BatchBuilder builder(*std::exchange(state, std::nullopt));
    const std::vector<Planned> planned = plan(builder, open);
    if (planned.empty()) co_return;
    const store::WriteDone done = co_await engine.write(directory::partition_of(account), builder.take_batch());
    if (done.ok()) {
      for (const auto& each : planned) each.delivery->result = each.done;
      state = builder.take_state(done.version);
      count_delivered(planned.size());
      continue;  // twins within the group find their note now
    }
    if (done.outcome != store::WriteOutcome::conflict)
      co_return fail_all(still_open(deliveries), store::as_result(done, "delivering").error());
    auto looked = co_await look_for_delivered(account, still_open(deliveries));
    if (looked) looked = co_await mend_counters(account);
    if (!looked) co_return fail_all(still_open(deliveries), looked.error());
  }
  fail_all(still_open(deliveries), Error::temporary(Error::Cause::conflict, "the mailbox is being changed by others"));
}

Task<Result<Mailboxes::Delivered>> Mailboxes::deliver(directory::AccountId account, MessageId message, std::string recipient,
                                                      NewEmail email) {
  auto delivery = std::make_shared<Delivery>(Delivery{message, delivered_key(message, recipient), std::move(email), std::nullopt});
  const bool leads = co_await impl_->groups.join(account, delivery);
  if (leads) {
    DeliveryGroups::Lead lead(impl_->groups, account);
    const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
    auto group = lead.gather(delivery);
    co_await impl_->deliver_group(account, std::move(group), lead.state);
  }
  if (!delivery->result) co_return fail(Error::temporary(Error::Cause::io, "the delivery was broken off"));
  co_return *delivery->result;
}

Task<> Mailboxes::forget_delivery(directory::AccountId account, MessageId message, std::string recipient) {
  Batch batch;
  batch.durability = Batch::Durability::lazy;
  batch.erase(Keyspace::delivered, delivered_key(message, recipient));
  ignore(co_await impl_->engine.write(directory::partition_of(account), std::move(batch)), "a note that stays does no harm");
  if (impl_->is_postponed(account)) ignore(co_await apply_outbox(account), "tried again with the next expunge or start");
}

}  // namespace godwit::mailbox
