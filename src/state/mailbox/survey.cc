#include "state/mailbox/survey.h"

#include <algorithm>

#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {

using store::Keyspace;

Task<Result<void>> Survey::read(store::View& view) {
  PrefixScan all(view, Keyspace::mailbox, "");
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await all.next());
    if (rows.empty()) break;
    rows_ += rows.size();
    for (const auto& row : rows) GODWIT_CO_TRY(take(row));
  }
  std::ranges::sort(memberships_);
  if (nothing()) co_return Result<void>{};
  PrefixScan notes(view, Keyspace::delivered, "");
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await notes.next());
    if (rows.empty()) break;
    for (const auto& row : rows) {
      const auto note = decode_delivered(row.value);
      if (!note) continue;
      saw(note->email);
      saw(MembershipKey{kInbox, note->uid});
    }
  }
  PrefixScan releases(view, Keyspace::outbox, std::string(kAllReleases));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await releases.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const EmailId email, parse_number_key(row.key));
      saw(email);
    }
  }
}

// A value that cannot be read leaves what its key says.
Result<void> Survey::take(const store::Row& row) {
  if (row.key == kAccountKey) {
    stored_[row.key] = row.value;
    version_ = row.version;
    const auto decoded = decode_account(row.value);
    if (decoded) account_ = *decoded;
    return {};
  }
  if (row.key.starts_with(kAllMailboxes)) return take_mailbox(row);
  if (row.key.starts_with(kAllEmails)) return take_email(row);
  if (row.key.starts_with(kAllMemberships)) return take_membership(row);
  if (row.key.starts_with(kAllChanges)) return take_change(row);
  return take_other(row);
}

Result<void> Survey::take_other(const store::Row& row) {
  if (row.key.starts_with(kAllByEmail)) {
    GODWIT_ASSIGN(const auto key, parse_by_email_key(row.key));
    saw(key.email);
    saw(key.membership);
    by_email_.push_back(key);
  } else if (row.key.starts_with(kAllPages) || row.key.starts_with(kAllKeywords)) {
    stored_[row.key] = row.value;
  } else if (row.key.starts_with(kAllThreads)) {
    stored_[row.key] = row.value;
    if (const auto thread = decode_thread(row.value)) saw(thread->thread);
  } else if (row.key.starts_with(kAllRecents) || row.key.starts_with(kAllDetails)) {
    doomed_.insert(row.key);
  }
  return {};
}

Result<void> Survey::take_mailbox(const store::Row& row) {
  GODWIT_ASSIGN(const auto number, parse_mailbox_key(row.key));
  stored_[row.key] = row.value;
  auto decoded = decode_mailbox(row.value);
  if (!decoded) return {};
  saw(number, decoded->highest_modseq);
  boxes_[number].row = *std::move(decoded);
  return {};
}

Result<void> Survey::take_email(const store::Row& row) {
  GODWIT_ASSIGN(const EmailId id, parse_number_key(row.key));
  saw(id);
  const auto decoded = decode_email(row.value);
  if (!decoded) return {};
  emails_seen_.insert(id);
  highest_modseq_ = std::max(highest_modseq_, decoded->created);
  bytes_ += decoded->email.size();
  saw(decoded->email.thread);
  for (const std::uint64_t hash : decoded->threads) {
    ThreadRow& thread = threads_.try_emplace(hash, ThreadRow{decoded->email.thread, 0}).first->second;
    ++thread.emails;
  }
  return {};
}

Result<void> Survey::take_membership(const store::Row& row) {
  GODWIT_ASSIGN(const auto key, parse_membership_key(row.key));
  saw(key);
  const auto member = decode_membership(row.value);
  if (!member) return {};
  saw(member->email);
  saw(key.mailbox, member->modseq);
  memberships_.push_back({member->email, key});
  Box& box = boxes_[key.mailbox];
  count(box.counts, *member);
  box.pages[UidPage::page_of(key.uid)].insert(static_cast<std::uint16_t>(key.uid));
  keywords_.insert(member->keywords.begin(), member->keywords.end());
  return {};
}

Result<void> Survey::take_change(const store::Row& row) {
  GODWIT_ASSIGN(const Modseq modseq, parse_number_key(row.key));
  highest_modseq_ = std::max(highest_modseq_, modseq);
  const auto change = decode_change(row.value);
  if (!change) return {};
  if (change->kind == Change::Kind::expunged) ++tombstones_;
  saw(change->email);
  saw(MembershipKey{change->mailbox, change->uid});
  saw(change->mailbox, modseq);
  return {};
}

std::vector<ByEmailKey> Survey::missing_by_email() const {
  std::vector<ByEmailKey> out;
  std::ranges::set_difference(memberships_, by_email_, std::back_inserter(out));
  return out;
}

}  // namespace godwit::mailbox
