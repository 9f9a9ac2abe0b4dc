#pragma once
// Whether the store has what a round of concurrent commands allows: Account::settle(). For the model test alone.

#include "frontend/imapd/model/happenings_fixture.h"

namespace godwit::imapd::model {

class Round {
 public:
  Round(const Account& before, const Actual& actual, bool crashed)
      : before_(before), actual_(actual), crashed_(crashed), happened_(before, actual) {}

  std::string check() {
    if (auto wrong = check_tree(); !wrong.empty()) return wrong;
    for (const Command& command : before_.round)
      if (auto wrong = check_answer(command); !wrong.empty()) return command.tag + ": " + wrong;
    for (const auto& [uid_validity, box] : actual_.boxes)
      if (auto wrong = check_box(uid_validity, box); !wrong.empty()) return box.row.name + ": " + wrong;
    if (auto wrong = check_all_or_none(); !wrong.empty()) return wrong;
    for (const Told& told : before_.told)
      if (auto wrong = check_told(told); !wrong.empty()) return Happenings::describe(told.box, told.uid) + ": " + wrong;
    for (const auto uid_validity : before_.dropped)
      if (actual_.boxes.contains(uid_validity)) return "BYE to a session whose mailbox is still there";
    return "";
  }
  const Happenings& happened() const { return happened_; }

 private:
  using Key = Happenings::Key;

  // One client alone changes the tree in a round: its commands in their order, the lost ones at the end done or not.
  std::string check_tree() {
    Account::Tree tree = before_.tree();
    std::vector<Account::Tree> allowed(1, tree);
    for (const Command& command : before_.round) {
      const bool about_tree = command.verb >= Verb::create && command.verb <= Verb::unsubscribe;
      if (!about_tree) continue;
      const bool done = Account::apply(tree, command);
      if (command.outcome == Command::Outcome::lost) {
        allowed.push_back(tree);
        continue;
      }
      if (done != command.was_done()) return command.tag + (done ? " was refused" : " was done, which cannot be");
      allowed.assign(1, tree);
    }
    Account::Tree now;
    for (const auto& [uid_validity, box] : actual_.boxes) {
      const bool is_new = !before_.boxes.contains(uid_validity);
      if (is_new && uid_validity <= before_.last_uid_validity) return box.row.name + ": its UIDVALIDITY was given before";
      if (!now.boxes.emplace(box.row.name, is_new ? 0 : uid_validity).second) return "two mailboxes of one name";
    }
    now.subscribed = actual_.subscribed;
    if (std::ranges::find(allowed, now) == allowed.end()) return "the tree of mailboxes is another one";
    return "";
  }

  // Whether a mailbox of that name was there all the time.
  bool was_always_there(const std::string& name) const {
    const auto* box = actual_.named(name);
    if (box == nullptr || !before_.boxes.contains(box->row.uid_validity) || before_.boxes.at(box->row.uid_validity).name != name)
      return false;
    return std::ranges::none_of(before_.round, [](const Command& each) { return each.verb == Verb::remove || each.verb == Verb::rename; });
  }
  bool is_any_gone(const Command& command) const {
    const auto box = actual_.boxes.find(command.box);
    if (box == actual_.boxes.end() || command.all) return true;
    return std::ranges::any_of(command.uids, [&](Uid uid) { return !box->second.messages.contains(uid); });
  }
  std::string check_answer(const Command& command) const {
    if (command.was_done()) return check_done(command);
    if (command.outcome != Command::Outcome::no) return "";
    if (command.verb >= Verb::create && command.verb <= Verb::unsubscribe) return "";
    const std::string_view code = command.code;
    const bool is_gone = command.box != 0 && !actual_.boxes.contains(command.box);
    if (has_code(code, "TRYCREATE") || has_code(code, "NONEXISTENT"))
      return is_gone || !was_always_there(command.name) ? "" : "NO: a mailbox that is there was not found";
    if (has_code(code, "EXPUNGEISSUED")) return is_any_gone(command) ? "" : "EXPUNGEISSUED, but all messages are there";
    if (has_code(code, "NOPERM")) return command.read_only ? "" : "NOPERM, but it was not opened for reading alone";
    return "NO [" + std::string(code) + "]";
  }
  std::string check_bytes(const Command& command) const {
    for (const auto& [uid, fetched] : command.fetched) {
      if (!fetched.body) continue;
      const int content = static_cast<int>(fetched.body->size() - kContentHead);
      const int expected = happened_.content_of({command.box, uid});
      if (*fetched.body != bytes_of_content(content)) return "UID " + std::to_string(uid) + " has strange bytes";
      if (expected >= 0 && content != expected) return "UID " + std::to_string(uid) + " has the bytes of another message";
      if (fetched.size != 0 && fetched.size != fetched.body->size()) return "RFC822.SIZE is wrong";
      if (!fetched.date.empty() && fetched.date != date_of_content(content)) return "INTERNALDATE is wrong";
    }
    return "";
  }
  // RFC 7162 3.1.3: who was changed since is left alone, and nobody else.
  std::string check_unchanged(const Command& command) const {
    const auto box = actual_.boxes.find(command.box);
    if (box == actual_.boxes.end()) return "";
    for (const Uid uid : command.uids) {
      const auto message = box->second.messages.find(uid);
      if (message == box->second.messages.end()) continue;
      const auto* old = happened_.message_before({command.box, uid});
      const bool refused = std::ranges::find(command.modified, uid) != command.modified.end();
      if (!refused && old != nullptr && old->modseq > *command.unchanged_since)
        return "UID " + std::to_string(uid) + " was changed since, and stored";
      if (refused && !crashed_ && message->second.modseq <= *command.unchanged_since)
        return "UID " + std::to_string(uid) + " was not changed since, and not stored";
    }
    return "";
  }
  std::string check_done(const Command& command) const {
    if (command.verb == Verb::fetch) return check_bytes(command);
    if (command.verb == Verb::store && command.unchanged_since) return check_unchanged(command);
    if (command.verb != Verb::copy && command.verb != Verb::move) return "";
    if (command.read_only && command.verb == Verb::move) return "MOVE out of a mailbox that was opened for reading alone";
    std::set<Uid> copied;
    std::string_view code = command.copied;
    take_word(code);
    take_word(code);
    for (const Uid uid : numbers_of(take_word(code))) copied.insert(uid);
    for (const Uid uid : command.uids) {
      const auto box = actual_.boxes.find(command.box);
      const bool there = box != actual_.boxes.end() && box->second.messages.contains(uid);
      if (there && !copied.contains(uid)) return "UID " + std::to_string(uid) + " is there, and was not copied";
    }
    const std::set<Uid> asked(command.uids.begin(), command.uids.end());
    if (!std::ranges::includes(asked, copied)) return "more was copied than asked for";
    return "";
  }

  std::string check_box(std::uint32_t uid_validity, const Actual::Box& box) {
    const auto old = before_.boxes.find(uid_validity);
    const Account::Box none;
    const Account::Box& before = old == before_.boxes.end() ? none : old->second;
    std::set<Uid> expected;
    for (const auto& [uid, message] : before.messages) expected.insert(uid);
    for (const Uid uid : happened_.brought(uid_validity)) expected.insert(uid);
    for (const auto& [uid, message] : box.messages) {
      expected.erase(uid);
      if (happened_.content_of({uid_validity, uid}) < 0)
        if (auto wrong = happened_.adopt_maybe(happened_.root_of({uid_validity, uid}), message); !wrong.empty()) return wrong;
      if (auto wrong = check_message({uid_validity, uid}, message, before); !wrong.empty())
        return Happenings::describe(uid_validity, uid) + ": " + wrong;
    }
    for (const Uid uid : expected)
      if (!happened_.may_be_gone({uid_validity, uid})) return Happenings::describe(uid_validity, uid) + " is lost";
    return check_counts(box, before);
  }
  std::string check_message(Key key, const Actual::Message& message, const Account::Box& before) const {
    if (happened_.content_of(key) != message.content) return "it has the bytes of another message";
    const auto* old = happened_.message_before(key);
    if (old == nullptr && key.second < before.uid_next) return "its UID was given before";
    if (happened_.must_be_gone(key)) return "it was expunged, and is there";
    Possible allowed = happened_.at_last(key);
    if (crashed_) {
      allowed.add(happened_.any_time(key.first, key.second));
      if (old) allowed.add(old->since_sync);
    }
    if (!allowed.allows(message.flags)) return "its flags are " + text_of(message.flags);
    const bool is_old = old != nullptr && message.modseq == old->modseq;
    if (is_old) return message.flags == old->flags ? "" : "its flags have changed, its modseq has not";
    if (old != nullptr && crashed_ && message.modseq < old->modseq) return "";
    if (message.modseq <= before_.highest) return "its new modseq is not above all that were";
    if (old != nullptr && !happened_.is_written(key)) return "its modseq has risen for nothing";
    return "";
  }
  // RFC 3502: an APPEND that was cut off was done whole or not at all.
  std::string check_all_or_none() const {
    for (const Command* command : happened_.maybe()) {
      const auto there =
          std::ranges::count_if(command->messages, [this](const NewContent& each) { return happened_.is_somewhere(each.content); });
      if (there != 0 && there != std::ssize(command->messages)) return command->tag + " was done in part";
    }
    return "";
  }

  std::string check_counts(const Actual::Box& box, const Account::Box& before) const {
    std::uint32_t unseen = 0, deleted = 0;
    std::uint64_t bytes = 0;
    Modseq highest = 0;
    for (const auto& [uid, message] : box.messages) {
      unseen += (message.flags & kSeenBit) == 0 ? 1 : 0;
      deleted += (message.flags & kDeletedBit) != 0 ? 1 : 0;
      bytes += kContentHead + static_cast<std::uint64_t>(message.content);
      highest = std::max(highest, message.modseq);
    }
    const auto& row = box.row;
    if (row.total != box.messages.size() || row.unseen != unseen || row.deleted != deleted || row.bytes != bytes)
      return "its counts are wrong";
    if (row.highest_modseq < highest) return "HIGHESTMODSEQ is below that of a message";
    if (!crashed_ && row.highest_modseq < before.highest) return "HIGHESTMODSEQ goes back";
    if (row.uid_next < before.uid_next) return "UIDNEXT goes back";
    if (!box.messages.empty() && row.uid_next <= box.messages.rbegin()->first) return "UIDNEXT is taken already";
    const bool same = std::ranges::equal(before.messages, box.messages, [](const auto& a, const auto& b) { return a.first == b.first; });
    if (!same && !crashed_ && row.highest_modseq <= before.highest) return "messages came or went, HIGHESTMODSEQ has not risen";
    return "";
  }

  std::string check_told(const Told& told) const {
    const Key key{told.box, told.uid};
    const bool known = happened_.message_before(key) != nullptr || happened_.is_brought(key);
    if (!known) return happened_.maybe().empty() ? "it was told of, and never was" : "";
    if (!happened_.any_time(told.box, told.uid).allows(told.flags)) return "told to have " + text_of(told.flags) + ", which it never had";
    return "";
  }
  const Account& before_;
  const Actual& actual_;
  const bool crashed_;
  Happenings happened_;
};

// RFC 7162 3.1: a modseq stands for one change of one message, for ever.
inline std::string take_modseqs(Account& account, const std::vector<Told>& told) {
  for (const Told& each : told) {
    if (each.modseq == 0) continue;
    const auto [at, is_new] = account.given.emplace(each.modseq, each);
    const Told& first = at->second;
    account.highest = std::max(account.highest, each.modseq);
    if (first.box != each.box || first.uid != each.uid || first.flags != each.flags) {
      return "modseq " + std::to_string(each.modseq) + " was given to UID " + std::to_string(first.uid) + " of " +
             std::to_string(first.box) + ' ' + text_of(first.flags) + ", now to UID " + std::to_string(each.uid) + " of " +
             std::to_string(each.box) + ' ' + text_of(each.flags);
    }
  }
  return "";
}

inline std::string Account::settle(const Actual& actual, bool crashed) {
  Round allowed(*this, actual, crashed);
  if (auto wrong = allowed.check(); !wrong.empty()) return wrong;
  std::vector<Told> all = told;
  for (const auto& [uid_validity, box] : actual.boxes)
    for (const auto& [uid, message] : box.messages) all.push_back({uid_validity, uid, message.flags, message.modseq});
  if (auto wrong = take_modseqs(*this, all); !wrong.empty()) return wrong;
  const auto since = [&](std::uint32_t box, Uid uid) {
    if (!crashed) return allowed.happened().any_time(box, uid);
    Possible exact;
    exact.add(actual.boxes.at(box).messages.at(uid).flags);
    return exact;
  };
  adopt(actual, since, crashed || allowed.happened().is_durable());
  round.clear();
  told.clear();
  dropped.clear();
  return "";
}

}  // namespace godwit::imapd::model
