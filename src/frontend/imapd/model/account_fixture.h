#pragma once
// What an account must be: the model. It is moved forward, a round of concurrent commands at a time, by what clients were answered; where
// the answers leave open which of two commands came first, or whether one that was cut off was done, each outcome is allowed, and what the
// store has decides. For the model test alone.

#include <algorithm>
#include <limits>
#include <set>

#include "frontend/imapd/model/command_fixture.h"
#include "state/mailbox/mailbox.h"

namespace godwit::imapd::model {

// An account as the store has it.
struct Actual {
  struct Message {
    int content = 0;
    Bits flags = 0;
    Modseq modseq = 0;
  };
  struct Box {
    mailbox::Mailbox row;
    std::map<Uid, Message> messages;
  };
  std::map<std::uint32_t, Box> boxes;  // by UIDVALIDITY, which no two share
  std::set<std::string> subscribed;

  const Box* named(std::string_view name) const {
    for (const auto& [uid_validity, box] : boxes)
      if (box.row.name == name) return &box;
    return nullptr;
  }
};

// Which values each flag may have had.
struct Possible {
  Bits zero = 0, one = 0;
  void add(Bits flags) {
    one |= flags;
    zero |= static_cast<Bits>(~flags);
  }
  void add(const Possible& other) {
    one |= other.one;
    zero |= other.zero;
  }
  bool allows(Bits flags) const { return (flags & ~one) == 0 && (static_cast<Bits>(~flags) & kAllBits & ~zero) == 0; }
};

struct Told {  // by the server, of a message
  std::uint32_t box = 0;
  Uid uid = 0;
  Bits flags = 0;
  Modseq modseq = 0;  // 0: without
};

class Account {
 public:
  struct Message {
    int content = 0;
    Bits flags = 0;
    Modseq modseq = 0;
    Possible since_sync;  // a power cut may give back any of these: ADR 13
  };
  struct Box {
    std::string name;
    Uid uid_next = 1;
    Modseq highest = 0;
    std::map<Uid, Message> messages;
  };
  struct Tree {
    std::map<std::string, std::uint32_t> boxes;  // UIDVALIDITY; 0: made in this round
    std::set<std::string> subscribed;
    bool operator==(const Tree&) const = default;
  };

  std::map<std::uint32_t, Box> boxes;
  std::set<std::string> subscribed;
  Modseq highest = 0;  // that was ever given
  std::uint32_t last_uid_validity = 0;
  std::map<Modseq, Told> given;        // what each modseq was given to: never to anything else
  std::vector<Command> round;          // that ended since the last settle()
  std::vector<Told> told;              // since then
  std::vector<std::uint32_t> dropped;  // BYE was said to sessions that had these selected

  void begin(const Actual& actual) {
    adopt(actual, [](std::uint32_t, Uid) { return Possible{}; }, false);
    for (auto& [uid_validity, box] : boxes)
      for (auto& [uid, message] : box.messages) message.since_sync.add(message.flags);
  }
  // Holds what the store has against what the round allows, and goes on from there. What is wrong, "" if nothing.
  std::string settle(const Actual& actual, bool crashed);

  Tree tree() const {
    Tree out;
    for (const auto& [uid_validity, box] : boxes) out.boxes[box.name] = uid_validity;
    out.subscribed = subscribed;
    return out;
  }
  // Does what a command about the tree says, if it can be done.
  static bool apply(Tree& tree, const Command& command);

 private:
  template <class Since>
  void adopt(const Actual& actual, Since since, bool durable);
};

inline bool is_in_tree(std::string_view name, std::string_view tree) {
  return name.starts_with(tree) && (name.size() == tree.size() || name[tree.size()] == '/');
}

inline void make_parents(Account::Tree& tree, const std::string& name) {
  for (std::size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) tree.boxes.try_emplace(name.substr(0, at), 0);
}

inline bool rename_tree(Account::Tree& tree, const std::string& from, const std::string& to) {
  if (!tree.boxes.contains(from) || tree.boxes.contains(to) || is_in_tree(to, from)) return false;
  Account::Tree after;
  for (const auto& [name, box] : tree.boxes)
    if (!is_in_tree(name, from)) after.boxes[name] = box;
  for (const auto& [name, box] : tree.boxes)
    if (is_in_tree(name, from) && !after.boxes.emplace(to + name.substr(from.size()), box).second) return false;
  make_parents(after, to);
  for (const auto& name : tree.subscribed) after.subscribed.insert(is_in_tree(name, from) ? to + name.substr(from.size()) : name);
  tree = std::move(after);
  return true;
}

inline bool Account::apply(Tree& tree, const Command& command) {
  switch (command.verb) {
    case Verb::create:
      if (tree.boxes.contains(command.name)) return false;
      make_parents(tree, command.name);
      tree.boxes[command.name] = 0;
      return true;
    case Verb::remove: return command.name != "INBOX" && tree.boxes.erase(command.name) > 0;
    case Verb::rename:
      if (command.name != "INBOX") return rename_tree(tree, command.name, command.to);
      if (tree.boxes.contains(command.to)) return false;
      make_parents(tree, command.to);
      tree.boxes[command.to] = 0;
      return true;
    case Verb::subscribe: tree.subscribed.insert(command.name); return true;
    case Verb::unsubscribe: tree.subscribed.erase(command.name); return true;
    default: return true;
  }
}

template <class Since>
void Account::adopt(const Actual& actual, Since since, bool durable) {
  std::map<std::uint32_t, Box> after;
  for (const auto& [uid_validity, box] : actual.boxes) {
    Box& to = after[uid_validity];
    to.name = box.row.name;
    to.uid_next = box.row.uid_next;
    to.highest = box.row.highest_modseq;
    highest = std::max(highest, to.highest);
    last_uid_validity = std::max(last_uid_validity, uid_validity);
    const auto before = boxes.find(uid_validity);
    for (const auto& [uid, message] : box.messages) {
      Message& kept = to.messages[uid] = {message.content, message.flags, message.modseq, since(uid_validity, uid)};
      if (durable || before == boxes.end()) continue;
      if (const auto old = before->second.messages.find(uid); old != before->second.messages.end())
        kept.since_sync.add(old->second.since_sync);
    }
  }
  boxes = std::move(after);
  subscribed = actual.subscribed;
}

}  // namespace godwit::imapd::model
