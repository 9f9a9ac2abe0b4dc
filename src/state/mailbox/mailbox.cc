#include "state/mailbox/mailbox.h"

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {

using store::Keyspace;

Mailboxes::Mailboxes(store::Engine& engine, store::Blobs& blobs, Clock& clock, Random& /*random*/)
    : impl_(std::make_unique<Impl>(engine, blobs, clock)) {}

Mailboxes::~Mailboxes() = default;

ChangeFeed& Mailboxes::feed() { return impl_->feed; }

Task<Result<bool>> is_removed(store::View& view) {
  GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::directory, std::string(directory::kRemovedKey)));
  co_return row.has_value();
}

Error account_gone() { return Error::permanent(Error::Cause::not_found, "the account has been removed"); }
Error mailbox_gone() { return Error::permanent(Error::Cause::not_found, "there is no such mailbox"); }

Task<Result<bool>> has_row(store::View& view, std::string from, std::string_view prefix) {
  const std::string end = prefix_end(prefix);
  GODWIT_CO_ASSIGN(const auto page, co_await view.scan(Keyspace::mailbox, std::move(from), end, store::ScanLimit{1, 64 * 1024}));
  co_return !page.rows.empty();
}

Task<Result<bool>> has_rows(store::View& view) { co_return co_await has_row(view, "", ""); }

Mailbox as_mailbox(MailboxNumber number, const MailboxRow& row) {
  return {number,    row.name,   row.special_use, row.uid_validity, row.uid_next,     std::max<Modseq>(row.highest_modseq, 1),
          row.total, row.unseen, row.deleted,     row.bytes,        row.deleted_bytes};
}

RangeScan::RangeScan(store::View& view, Keyspace keyspace, std::string from, std::string end)
    : view_(view), keyspace_(keyspace), from_(std::move(from)), end_(std::move(end)) {}

PrefixScan::PrefixScan(store::View& view, Keyspace keyspace, std::string prefix) : RangeScan(view, keyspace, prefix, prefix_end(prefix)) {}

Task<Result<std::vector<store::Row>>> RangeScan::next(store::ScanLimit limit) {
  while (from_) {
    GODWIT_CO_ASSIGN(auto page, co_await view_.scan(keyspace_, *from_, end_, limit));
    from_ = std::move(page.next);
    if (!page.rows.empty()) co_return std::move(page.rows);
  }
  co_return std::vector<store::Row>();
}

}  // namespace godwit::mailbox
