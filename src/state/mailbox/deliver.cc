// Delivery: one batch for all that wait for the same account, exactly once each.

#include "base/metrics.h"
#include "state/mailbox/account_writer.h"

namespace godwit::mailbox {
namespace {

using store::Batch;
using store::Keyspace;

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

Task<Result<Mailboxes::Delivered>> add(AccountWriter& writer, const Delivery& delivery) {
  const Modseq modseq = writer.next_modseq();
  GODWIT_CO_ASSIGN(auto member, co_await writer.add_email(delivery.email, delivery.message, modseq));
  const EmailId email = member.email;
  GODWIT_CO_ASSIGN(const Uid uid, co_await writer.add_message(kInbox, std::move(member)));
  writer.batch().require_absent(Keyspace::delivered, delivery.key);
  writer.batch().put(Keyspace::delivered, delivery.key, encode_delivered(uid, email));
  co_return Mailboxes::Delivered{uid, email, false};
}

Task<Result<std::vector<Planned>>> plan(AccountWriter& writer, const std::vector<Delivery*>& open) {
  std::vector<Planned> planned;
  std::unordered_set<std::string_view> keys;
  for (auto* each : open) {
    if (!keys.insert(each->key).second) continue;  // its twin goes first; the next round finds that it has come
    if (each->email.prefix.size() > kMaxPrefix) {
      each->result = fail(prefix_too_large());
      continue;
    }
    GODWIT_CO_ASSIGN(const MailboxRow* inbox, co_await writer.mailbox(kInbox));
    if (inbox->uid_next == UINT32_MAX) {
      each->result = fail(no_uid_left());
      continue;
    }
    GODWIT_CO_ASSIGN(const auto done, co_await add(writer, *each));
    planned.push_back({each, done});
  }
  co_return planned;
}

void count_delivered(std::size_t deliveries) {
  static auto& total = metrics::counter("godwit_mailbox_deliveries_total", "Messages put into mailboxes");
  static auto& batches = metrics::counter("godwit_mailbox_delivery_batches_total", "Batches that put messages into mailboxes");
  total.add(deliveries);
  batches.add();
}

}  // namespace

Task<Result<void>> Mailboxes::Impl::look_for_delivered(directory::AccountId account, std::vector<Delivery*> deliveries) {
  const auto view = engine.read(directory::partition_of(account));
  for (auto* each : deliveries) {
    GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::delivered, each->key));
    if (row) each->result = decode_delivered(row->value);
  }
  co_return Result<void>{};
}

// false: another writer was faster, or some had been delivered before.
Task<Result<bool>> Mailboxes::Impl::deliver_once(directory::AccountId account, const std::vector<Delivery*>& open) {
  AccountWriter writer(*this, account);
  GODWIT_CO_TRY(co_await writer.open(AccountWriter::IfNew::make, Kept::trusted));
  GODWIT_CO_ASSIGN(const auto planned, co_await plan(writer, open));
  if (planned.empty()) co_return true;
  GODWIT_CO_ASSIGN(const bool written, co_await writer.write("delivering"));
  if (!written) co_return false;
  for (const auto& each : planned) each.delivery->result = each.done;
  count_delivered(planned.size());
  co_return true;
}

Task<> Mailboxes::Impl::deliver_group(directory::AccountId account, std::vector<std::shared_ptr<Delivery>> deliveries) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::vector<Delivery*> open = still_open(deliveries);
    if (open.empty()) co_return;
    const auto written = co_await deliver_once(account, open);
    if (!written) co_return fail_all(still_open(deliveries), written.error());
    if (*written) continue;  // twins within the group find their note now
    const auto looked = co_await look_for_delivered(account, still_open(deliveries));
    if (!looked) co_return fail_all(still_open(deliveries), looked.error());
  }
  fail_all(still_open(deliveries), overtaken());
}

Task<Result<Mailboxes::Delivered>> Mailboxes::deliver(directory::AccountId account, MessageId message, std::string recipient,
                                                      NewEmail email) {
  auto delivery = std::make_shared<Delivery>(Delivery{message, delivered_key(message, recipient), std::move(email), std::nullopt});
  const bool leads = co_await impl_->groups.join(account, delivery);
  if (leads) {
    DeliveryGroups::Lead lead(impl_->groups, account);
    const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
    auto group = lead.gather(delivery);
    co_await impl_->deliver_group(account, std::move(group));
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
