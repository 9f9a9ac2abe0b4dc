#pragma once
// What happened to the messages of an account in a round of concurrent commands, as far as the answers tell: who was brought, moved,
// changed, expunged; and what that leaves possible. For the model test alone.

#include "frontend/imapd/model/account_fixture.h"

namespace godwit::imapd::model {

class Happenings {
 public:
  using Key = std::pair<std::uint32_t, Uid>;  // UIDVALIDITY

  Happenings(const Account& before, const Actual& actual) : before_(before), actual_(actual) {
    for (const Command& command : before.round) gather(command);
  }

  // Every value that the flags of a message had in the round.
  Possible any_time(std::uint32_t box, Uid uid) const {
    Possible out = at_first(box, uid);
    const auto writes = writes_.find({box, uid});
    if (writes == writes_.end()) return out;
    for (const Write& write : writes->second) {
      out.one |= write.set;
      out.zero |= write.clear;
    }
    return out;
  }
  // Something durable was written: ADR 13, what was written before it is kept.
  bool is_durable() const { return durable_; }

  static std::string describe(std::uint32_t box, Uid uid) {
    return "UID " + std::to_string(uid) + " of UIDVALIDITY " + std::to_string(box);
  }

  // Null: it was not there before.
  const Account::Message* message_before(Key key) const {
    const auto box = before_.boxes.find(key.first);
    if (box == before_.boxes.end()) return nullptr;
    const auto at = box->second.messages.find(key.second);
    return at == box->second.messages.end() ? nullptr : &at->second;
  }
  int content_of(Key key) const {
    if (const auto* message = message_before(key)) return message->content;
    const auto birth = births_.find(key);
    if (birth == births_.end()) return -1;
    return birth->second.from ? content_of(*birth->second.from) : birth->second.content;
  }
  // Where a copy came from in the first place.
  Key root_of(Key key) const {
    const auto birth = births_.find(key);
    return birth != births_.end() && birth->second.from ? root_of(*birth->second.from) : key;
  }
  // What the flags of a message may be at the end.
  Possible at_last(Key key) const {
    Possible out;
    const Possible first = at_first(key.first, key.second);
    const auto found = writes_.find(key);
    for (Bits bit = 1; bit < kAllBits; bit = static_cast<Bits>(bit << 1)) {
      const Possible last = found == writes_.end() ? first : last_of(found->second, bit, first);
      out.one |= last.one & bit;
      out.zero |= last.zero & bit;
    }
    return out;
  }

  // A message that no answer told of: a command that was cut off brought it.
  std::string adopt_maybe(Key key, const Actual::Message& message) {
    Birth birth{message.content, {}, {}};
    bool found = false;
    for (const Command* command : maybe_) {
      for (const auto& each : command->messages) {
        if (each.content != message.content) continue;
        birth.flags.add(each.flags);
        found = true;
      }
      for (const Uid uid : command->uids) {
        if (content_of({command->box, uid}) != message.content) continue;
        birth.flags.add(any_time(command->box, uid));
        found = true;
      }
    }
    if (!found) return describe(key.first, key.second) + ": nobody brought it";
    births_[key] = birth;
    return "";
  }

  bool must_be_gone(Key key) const {
    if (removed_.contains(key)) return true;
    if ((any_time(key.first, key.second).zero & kDeletedBit) != 0) return false;
    const auto expungings = expungings_.find(key.first);
    if (expungings == expungings_.end()) return false;
    return std::ranges::any_of(expungings->second,
                               [&](const Expunging& each) { return each.by->was_done() && each.uids.contains(key.second); });
  }
  bool may_be_gone(Key key) const {
    if (removed_.contains(key)) return true;
    const bool deleted = (any_time(key.first, key.second).one & kDeletedBit) != 0;
    const auto expungings = expungings_.find(key.first);
    if (deleted && expungings != expungings_.end()) {
      const auto about = [&](const Expunging& each) { return each.by->all || each.uids.contains(key.second); };
      if (std::ranges::any_of(expungings->second, about)) return true;
    }
    return std::ranges::any_of(maybe_, [&](const Command* each) {
      return each->verb == Verb::move && each->box == key.first && std::ranges::find(each->uids, key.second) != each->uids.end() &&
             is_somewhere(content_of(key));
    });
  }
  // A move that was cut off loses nothing: unless somebody expunged, or removed mailboxes, meanwhile.
  bool is_somewhere(int content) const {
    if (!expungings_.empty()) return true;
    if (std::ranges::any_of(before_.round, [](const Command& each) { return each.verb == Verb::remove; })) return true;
    return std::ranges::any_of(actual_.boxes, [content](const auto& box) {
      return std::ranges::any_of(box.second.messages, [content](const auto& entry) { return entry.second.content == content; });
    });
  }

  bool is_written(Key key) const { return writes_.contains(key); }
  // Of a mailbox, messages that answers say were brought.
  std::vector<Uid> brought(std::uint32_t box) const {
    std::vector<Uid> out;
    for (const auto& [key, birth] : births_)
      if (key.first == box) out.push_back(key.second);
    return out;
  }
  bool is_brought(Key key) const { return births_.contains(key); }
  // Commands that brought messages, or not: nobody was told.
  const std::vector<const Command*>& maybe() const { return maybe_; }

 private:
  struct Write {
    Bits set = 0, clear = 0;
    const Command* by = nullptr;
    bool certain = true;
  };
  struct Birth {
    int content = 0;
    Possible flags;
    std::optional<Key> from;
  };
  struct Expunging {
    const Command* by = nullptr;
    std::set<Uid> uids;  // that it certainly is about
  };

  void gather(const Command& command) {
    durable_ = durable_ || (command.was_done() && is_durable(command));
    switch (command.verb) {
      case Verb::store: return gather_store(command);
      case Verb::fetch:
        if (command.sees) gather_store(command);
        return;
      case Verb::append: return gather_append(command);
      case Verb::copy:
      case Verb::move: return gather_copy(command);
      case Verb::close:
      case Verb::expunge:
        if (command.may_have_been_done() && !command.read_only)
          expungings_[command.box].push_back({&command, {command.uids.begin(), command.uids.end()}});
        return;
      case Verb::rename:
        if (command.name == "INBOX" && command.may_have_been_done()) gather_inbox(command);
        return;
      default: return;
    }
  }
  static bool is_durable(const Command& command) {
    switch (command.verb) {
      case Verb::append:
      case Verb::create:
      case Verb::remove:
      case Verb::rename: return true;
      case Verb::copy:
      case Verb::move: return !command.copied.empty();
      default: return false;
    }
  }

  void gather_store(const Command& command) {
    const bool certain = command.was_done() || command.was_done_in_part();
    if (!certain && command.outcome != Command::Outcome::lost) return;
    const Bits bits = command.sees ? kSeenBit : command.flags;
    Write write{bits, 0, &command, certain};
    if (command.verb == Verb::store && command.change == Command::Change::remove) write = {0, bits, &command, certain};
    if (command.verb == Verb::store && command.change == Command::Change::replace)
      write = {bits, static_cast<Bits>(kAllBits & ~bits), &command, certain};
    for (const Uid uid : command.uids) {
      if (std::ranges::find(command.modified, uid) == command.modified.end()) writes_[{command.box, uid}].push_back(write);
    }
  }

  void gather_append(const Command& command) {
    if (command.outcome == Command::Outcome::lost) maybe_.push_back(&command);
    if (!command.was_done()) return;
    std::string_view code = command.code;
    take_word(code);
    const auto box = static_cast<std::uint32_t>(number_of(take_word(code)));
    const auto uids = numbers_of(code);
    for (std::size_t i = 0; i < uids.size() && i < command.messages.size(); ++i) {
      Birth& birth = births_[{box, uids[i]}];
      birth.content = command.messages[i].content;
      birth.flags.add(command.messages[i].flags);
    }
  }

  void gather_copy(const Command& command) {
    if (command.copied.empty() && command.outcome == Command::Outcome::lost) maybe_.push_back(&command);
    if (command.copied.empty()) return;
    std::string_view code = command.copied;
    take_word(code);
    const auto box = static_cast<std::uint32_t>(number_of(take_word(code)));
    const auto from = numbers_of(take_word(code));
    const auto to = numbers_of(code);
    for (std::size_t i = 0; i < from.size() && i < to.size(); ++i) {
      births_[{box, to[i]}].from = Key{command.box, from[i]};
      if (command.verb == Verb::move) removed_.insert({command.box, from[i]});
    }
  }

  // Nobody else changes anything in such a round. What was in INBOX is in the new mailbox, in its order.
  void gather_inbox(const Command& command) {
    const auto inbox = std::ranges::find(before_.boxes, "INBOX", [](const auto& entry) { return entry.second.name; });
    const Actual::Box* made = actual_.named(command.to);
    if (made == nullptr || before_.boxes.contains(made->row.uid_validity)) return;
    if (made->messages.empty() && command.outcome == Command::Outcome::lost) return;
    Uid uid = 0;
    for (const auto& [old, message] : inbox->second.messages) {
      births_[{made->row.uid_validity, ++uid}].from = Key{inbox->first, old};
      removed_.insert({inbox->first, old});
    }
  }

  Possible at_first(std::uint32_t box, Uid uid) const {
    Possible out;
    const Key key{box, uid};
    if (const auto* message = message_before(key)) out.add(message->flags);
    if (const auto birth = births_.find(key); birth != births_.end())
      out.add(birth->second.from ? any_time(birth->second.from->first, birth->second.from->second) : birth->second.flags);
    return out;
  }

  // What those writes of a flag leave that nothing certainly came after; what it was before, unless one was certainly done.
  static Possible last_of(const std::vector<Write>& writes, Bits bit, const Possible& before) {
    Possible out;
    bool overwritten = false;
    const auto is_about = [bit](const Write& write) { return ((write.set | write.clear) & bit) != 0; };
    for (const Write& write : writes) {
      if (!is_about(write)) continue;
      overwritten = overwritten || write.certain;
      const auto overwrites = [&](const Write& other) { return other.certain && is_about(other) && is_after(*other.by, *write.by); };
      if (std::ranges::any_of(writes, overwrites)) continue;
      out.one |= write.set;
      out.zero |= write.clear;
    }
    if (!overwritten) out.add(before);
    return out;
  }
  // Whether `later` certainly came after `earlier`.
  static bool is_after(const Command& later, const Command& earlier) {
    if (earlier.outcome == Command::Outcome::lost) return false;
    return later.begun > (later.client == earlier.client ? earlier.begun : earlier.ended);
  }

  const Account& before_;
  const Actual& actual_;
  bool durable_ = false;
  std::map<Key, std::vector<Write>> writes_;
  std::map<Key, Birth> births_;
  std::set<Key> removed_;
  std::map<std::uint32_t, std::vector<Expunging>> expungings_;
  std::vector<const Command*> maybe_;
};

}  // namespace godwit::imapd::model
