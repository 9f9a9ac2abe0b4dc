#include "state/mailbox/survey.h"

#include <algorithm>

#include "state/mailbox/earlier_rows.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {

using store::Keyspace;

Task<Result<void>> Survey::read(store::View& view) {
  PrefixScan orphans(view, Keyspace::outbox, std::string(kAllOrphans));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await orphans.next());
    if (rows.empty()) break;
    for (const auto& row : rows) GODWIT_CO_TRY(take_orphans(row));
  }
  PrefixScan left(view, Keyspace::outbox, std::string(kAllLeft));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await left.next());
    if (rows.empty()) break;
    for (const auto& row : rows) GODWIT_CO_TRY(take_left(row));
  }
  PrefixScan all(view, Keyspace::mailbox, "");
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await all.next());
    if (rows.empty()) break;
    rows_ += rows.size();
    for (const auto& row : rows) GODWIT_CO_TRY(take(row));
  }
  std::ranges::sort(messages_);
  if (nothing()) co_return Result<void>{};
  PrefixScan notes(view, Keyspace::delivered, "");
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await notes.next());
    if (rows.empty()) break;
    for (const auto& row : rows) {
      const auto note = decode_delivered(row.value);
      if (!note) continue;
      saw(note->email);
      saw(Place{kInbox, note->uid});
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
  if (row.key.starts_with(kAllMessages)) return take_messages(row);
  if (row.key.starts_with(kAllEarlierMessages)) {
    take_earlier_message(row);
    return {};
  }
  if (row.key.starts_with(kAllChanged)) return take_changed(row);
  if (row.key.starts_with(kAllExpunged)) return take_expunged(row);
  return take_other(row);
}

Result<void> Survey::take_other(const store::Row& row) {
  if (row.key.starts_with(kAllByEmail)) {
    GODWIT_ASSIGN(const auto key, parse_by_email_key(row.key));
    saw(key.email);
    saw(key.place);
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
  emails_[id] = {decoded->email.size(), decoded->email.received, decoded->created};
  highest_modseq_ = std::max(highest_modseq_, decoded->created);
  saw(decoded->email.thread);
  for (const std::uint64_t hash : decoded->threads) {
    ThreadRow& thread = threads_.try_emplace(hash, ThreadRow{decoded->email.thread, 0}).first->second;
    ++thread.emails;
  }
  return {};
}

// Pages come behind the emails and the log, by their keys.
Result<void> Survey::take_messages(const store::Row& row) {
  GODWIT_ASSIGN(const auto key, parse_messages_key(row.key));
  const auto page = MessagePage::decode(key.page, row.value);
  if (!page) {
    doomed_.insert(row.key);
    return {};
  }
  stored_[row.key] = row.value;
  for (const Member& each : page->members()) {
    const Place place{key.mailbox, each.uid};
    if (left_.contains(place))
      mended(place).erase(each.uid);  // an old page is back: the message has gone, durably
    else
      take_message(place, each.row);
  }
  return {};
}

// They come behind the pages, by their keys; one that is in a page already was converted before something cut that off.
void Survey::take_earlier_message(const store::Row& row) {
  doomed_.insert(row.key);
  const auto place = parse_earlier_message_key(row.key);
  auto message = decode_earlier_message(row.value);
  if (!place || !message) return;
  MessagePage& page = mended(*place);
  if (page.find(place->uid) != nullptr) return;
  Membership& member = message->row;
  const auto email = emails_.find(member.email);
  member.created = email != emails_.end() ? email->second.created : 0;
  if (!message->is_dated && email != emails_.end()) member.saved = member.received = email->second.received;
  take_message(*place, member);
  page.put(place->uid, std::move(member));
  ++converted_messages_;
}

void Survey::take_earlier_change(const store::Row& row, Modseq modseq) {
  doomed_.insert(row.key);
  const auto change = decode_earlier_change(row.value);
  if (!change || !*change) return;
  const ExpungedRow& expunged = **change;
  const Tombstone& gone = expunged.messages.front();
  saw(expunged.mailbox, modseq);
  saw(gone.email);
  saw(Place{expunged.mailbox, gone.uid});
  ++tombstones_;
  expunged_.insert({expunged.mailbox, gone.uid});
  converted_log_[expunged_key(modseq)] = encode(expunged);
}

void Survey::take_message(Place place, const Membership& member) {
  saw(place);
  saw(member.email);
  saw(place.mailbox, member.modseq);
  messages_.push_back({member.email, place});
  Box& box = boxes_[place.mailbox];
  count(box.counts, member);
  box.pages[UidPage::page_of(place.uid)].insert(static_cast<std::uint16_t>(place.uid));
  box.is_unlogged = box.is_unlogged || box.log.at(place.uid) < member.modseq;
  keywords_.insert(member.keywords.begin(), member.keywords.end());
}

Result<void> Survey::take_changed(const store::Row& row) {
  GODWIT_ASSIGN(const Modseq modseq, parse_number_key(row.key));
  highest_modseq_ = std::max(highest_modseq_, modseq);
  if (is_earlier_change(row.value)) {
    take_earlier_change(row, modseq);
    return {};
  }
  const auto changed = decode_changed(row.value);
  if (!changed) {
    doomed_.insert(row.key);
    return {};
  }
  ++changes_rows_;
  saw(changed->mailbox, modseq);
  boxes_[changed->mailbox].log.add(changed->uids, modseq);
  return {};
}

Result<void> Survey::take_expunged(const store::Row& row) {
  GODWIT_ASSIGN(const Modseq modseq, parse_number_key(row.key));
  highest_modseq_ = std::max(highest_modseq_, modseq);
  const auto expunged = decode_expunged(row.value);
  if (!expunged) {
    doomed_.insert(row.key);
    return {};
  }
  tombstones_ += expunged->messages.size();
  saw(expunged->mailbox, modseq);
  for (const Tombstone& each : expunged->messages) {
    saw(each.email);
    saw(Place{expunged->mailbox, each.uid});
    expunged_.insert({expunged->mailbox, each.uid});
  }
  return {};
}

Result<void> Survey::take_orphans(const store::Row& row) {
  const auto orphans = decode_gone(row.value);
  if (!orphans) return {};
  for (const Gone& each : orphans->messages) {
    orphans_.insert(each.email);
    saw(each.email);
    saw(Place{orphans->mailbox, each.uid});
  }
  return {};
}

// As a tombstone of each, which may be forgotten by now.
Result<void> Survey::take_left(const store::Row& row) {
  const auto left = decode_gone(row.value);
  if (!left) return {};
  for (const Gone& each : left->messages) {
    saw(each.email);
    saw(Place{left->mailbox, each.uid});
    expunged_.insert({left->mailbox, each.uid});
    left_.insert({left->mailbox, each.uid});
  }
  return {};
}

std::vector<ByEmailKey> Survey::missing_by_email() const {
  std::vector<ByEmailKey> out;
  std::ranges::set_difference(messages_, by_email_, std::back_inserter(out));
  return out;
}

}  // namespace godwit::mailbox
