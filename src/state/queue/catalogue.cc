#include "state/queue/catalogue.h"

#include <algorithm>
#include <utility>

#include "base/result.h"

namespace godwit::queue {
namespace {

std::uint64_t hash_of(MessageId id) { return IndexTable::mix(id.value); }

std::string_view reason_of(const Recipient& recipient) {
  if (!recipient.last.reply_class.empty() || (recipient.attempts == 0 && recipient.probes == 0)) return recipient.last.reply_class;
  return recipient.last.site_down ? kSiteDown : std::string_view();
}

}  // namespace

std::uint64_t Names::hash(std::string_view text) { return IndexTable::mix(std::hash<std::string_view>()(text)); }

NameId Names::find(std::string_view text) const {
  if (text.empty()) return 0;
  const IndexTable::Index found = ids_.find(hash(text), [&](NameId id) { return slots_[id].text == text; });
  return found == IndexTable::kNone ? 0 : found;
}

NameId Names::acquire(std::string_view text) {
  if (text.empty()) return 0;
  NameId id = find(text);
  if (id == 0) {
    if (free_.empty()) {
      id = static_cast<NameId>(slots_.size());
      slots_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    slots_[id].text = std::string(text);
    ids_.enter(hash(text), id, [this](NameId each) { return hash(slots_[each].text); });
    ++size_;
  }
  ++slots_[id].uses;
  return id;
}

void Names::acquire(NameId id) {
  if (id != 0) ++slots_[id].uses;
}

void Names::release(NameId id) {
  if (id == 0 || --slots_[id].uses > 0) return;
  ids_.erase(hash(slots_[id].text), id, [this](NameId each) { return hash(slots_[each].text); });
  slots_[id].text = std::string();
  free_.push_back(id);
  --size_;
}

IndexTable::Index Catalogue::index_of(MessageId id) const {
  return table_.find(hash_of(id), [&](IndexTable::Index index) { return at(index).id == id; });
}

const Card* Catalogue::find(MessageId id) const {
  const IndexTable::Index index = index_of(id);
  return index == IndexTable::kNone ? nullptr : &at(index);
}

IndexTable::Index Catalogue::new_place() {
  if (!free_.empty()) {
    const IndexTable::Index index = free_.back();
    free_.pop_back();
    return index;
  }
  if (used_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<Card[]>(kChunk));
  return static_cast<IndexTable::Index>(used_++);
}

Card Catalogue::make_card(const CardText& text) {
  Card card;
  card.id = text.id;
  card.due = text.due;
  card.tenant = names_.acquire(text.tenant);
  card.sender = names_.acquire(text.sender);
  card.from = names_.acquire(text.from);
  card.domain = names_.acquire(text.domain);
  card.reason = names_.acquire(text.reason);
  card.pending = text.pending;
  card.kilobytes = static_cast<std::uint32_t>(std::min<std::uint64_t>((text.size + 1'023) / 1'024, UINT32_MAX));
  card.priority = text.priority;
  card.fresh = text.fresh;
  card.held = text.held;
  card.several = text.several;
  return card;
}

void Catalogue::release_names(const Card& card) {
  for (const NameId name : {card.tenant, card.sender, card.from, card.domain, card.reason}) names_.release(name);
}

void Catalogue::put(const CardText& text) {
  GODWIT_CHECK(text.id.value != 0);
  const Card now = make_card(text);
  const IndexTable::Index known = index_of(text.id);
  if (known != IndexTable::kNone) {
    const Card before = std::exchange(at(known), now);
    if (listener_) listener_->changed(at(known), &before);
    release_names(before);
    return;
  }
  const IndexTable::Index index = new_place();
  at(index) = now;
  table_.enter(hash_of(text.id), index, [this](IndexTable::Index each) { return hash_of(at(each).id); });
  ++size_;
  if (reading_) gone_.erase(text.id);
  if (listener_) listener_->changed(at(index), nullptr);
}

void Catalogue::put(const Message& message, WallTime due, bool fresh) {
  CardText text;
  text.id = message.id;
  text.due = due;
  text.tenant = message.tenant;
  const std::string from = message.reverse_path.text();
  text.from = from;
  text.sender = message.identity.empty() ? std::string_view(from) : std::string_view(message.identity);
  std::string_view first;  // domains are in lower case
  for (const Recipient& recipient : message.recipients) {
    if (recipient.state != Recipient::State::pending) continue;
    const std::string_view domain = recipient.address.domain.text();
    if (++text.pending == 1) {
      first = domain;
      text.reason = reason_of(recipient);
    } else if (domain != first) {
      text.several = true;
    }
  }
  text.domain = first;
  text.size = message.prefix.size() + message.size;
  text.priority = message.priority;
  text.fresh = fresh;
  text.held = message.held;
  put(text);
}

void Catalogue::erase(MessageId id) {
  if (reading_) gone_.insert(id);
  const IndexTable::Index index = index_of(id);
  if (index == IndexTable::kNone) return;
  table_.erase(hash_of(id), index, [this](IndexTable::Index each) { return hash_of(at(each).id); });
  const Card card = std::exchange(at(index), Card());
  free_.push_back(index);
  --size_;
  if (listener_) listener_->gone(card);
  release_names(card);
}

void Catalogue::begin_read() {
  reading_ = true;
  gone_.clear();
}

void Catalogue::put_read(const CardText& text) {
  if (gone_.contains(text.id) || index_of(text.id) != IndexTable::kNone) return;
  put(text);
}

void Catalogue::end_read() {
  reading_ = false;
  gone_.clear();
}

void Catalogue::each(const std::function<void(const Card&)>& visit) const { ignore(each(0, used_, visit), "it is all of them"); }

std::optional<std::size_t> Catalogue::each(std::size_t from, std::size_t most, const std::function<void(const Card&)>& visit) const {
  const std::size_t end = from + std::min(most, used_ - std::min(from, used_));
  for (std::size_t index = from; index < end; ++index) {
    const Card& card = at(static_cast<IndexTable::Index>(index));
    if (card.id.value != 0) visit(card);
  }
  return end < used_ ? std::optional(end) : std::nullopt;
}

std::size_t Catalogue::bytes() const {
  return sizeof *this + chunks_.capacity() * sizeof(chunks_[0]) + chunks_.size() * kChunk * sizeof(Card) +
         free_.capacity() * sizeof(IndexTable::Index) + table_.bytes();
}

}  // namespace godwit::queue
