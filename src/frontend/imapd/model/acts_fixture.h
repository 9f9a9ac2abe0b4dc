#pragma once
// What simulated clients do at random: commands as real clients write them, each with what it means. For the model test alone.

#include <utility>

#include "frontend/imapd/model/client_fixture.h"

namespace godwit::imapd::model {

class Acts {
 public:
  // What a client may do in this round.
  enum class Freedom : std::uint8_t {
    read,  // nothing that changes anything
    mail,  // messages
    tree,  // mailboxes too
  };

  explicit Acts(Random& random) : random_(random) {}

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_.below(below)); }
  bool chance(std::size_t one_in) { return pick(one_in) == 0; }

  // Nothing: there is nothing that this client could do now.
  std::optional<Command> next(Client& client, Freedom freedom) {
    if (freedom == Freedom::tree && chance(3)) return change_tree();
    if (!client.view) {
      if (client.outstanding().empty() && !chance(3)) return select(client);
      return freedom == Freedom::read || chance(3) ? look_around(client) : append(client);
    }
    const View& view = *client.view;
    if (view.complete() < view.slots.size() && chance(2)) return fetch_missing(client);
    if (freedom == Freedom::read) return read(client);
    return view.read_only ? read(client) : change(client);
  }

  // To begin with.
  Command fill_inbox() { return append_to("INBOX", 2 + pick(5)); }
  Command open_inbox() {
    Command command = plain(Verb::select, "SELECT INBOX");
    command.name = "INBOX";
    return command;
  }
  Command plain(Verb verb, std::string text) {
    Command command;
    command.verb = verb;
    command.pieces = {std::move(text)};
    return command;
  }
  Command noop(const Client& client) { return client.view && chance(6) ? plain(Verb::noop, "CHECK") : plain(Verb::noop, "NOOP"); }

  // UIDs and flags of what the client does not know yet.
  Command fetch_missing(Client& client) {
    const View& view = *client.view;
    const std::size_t known = view.complete();
    Command command;
    command.verb = Verb::fetch;
    command.all = true;
    command.uid = !client.may_use_numbers() || chance(2);
    const std::string from = !command.uid ? std::to_string(known + 1) : std::to_string(known == 0 ? 1 : view.slots[known - 1].uid + 1);
    command.pieces = {std::string(command.uid ? "UID " : "") + "FETCH " + from + ":* (UID FLAGS)"};
    return command;
  }

  Command status(const std::string& name) {
    Command command = plain(Verb::status, "STATUS " + name + " (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ)");
    command.name = name;
    return command;
  }
  Command list() { return plain(Verb::list, "LIST \"\" * RETURN (SUBSCRIBED)"); }

  Command search(Client& client, const std::string& key) {
    Command command;
    command.verb = Verb::search;
    command.uid = !client.may_use_numbers() || chance(2);
    command.pieces = {std::string(command.uid ? "UID " : "") + "SEARCH " + (chance(4) ? "RETURN (ALL) " : "") + key};
    return command;
  }
  // A key and the flag that it is about, with whether it must be set; for all messages the flag is 0.
  struct Key {
    std::string text;
    Bits flag = 0;
    bool set = true;
  };
  Key search_key() {
    if (chance(4)) return {"ALL", 0, true};
    const std::size_t which = pick(kFlagNames.size());
    const bool set = chance(2);
    const std::string name(kFlagNames[which]);
    const auto flag = static_cast<Bits>(1u << which);
    if (which >= 5) return {(set ? "KEYWORD " : "UNKEYWORD ") + name, flag, set};
    return {(set ? "" : "UN") + name.substr(1), flag, set};
  }

  Command fetch_changed(Modseq since, bool vanished) {
    Command command = plain(Verb::fetch, "UID FETCH 1:* (FLAGS) (CHANGEDSINCE " + std::to_string(since) + (vanished ? " VANISHED)" : ")"));
    command.uid = command.all = true;
    command.changed_since = since;
    return command;
  }
  Command fetch_bodies(Client& client) {
    auto command = fetch_body(client, true);
    return command ? *std::move(command) : noop(client);
  }
  Command rename_inbox() {
    Command command;
    command.verb = Verb::rename;
    command.name = "INBOX";
    command.to = pick_tree_name();
    command.pieces = {"RENAME INBOX " + command.to};
    return command;
  }

 private:
  // A mailbox: mostly INBOX, or another one that there was before this round.
  std::string pick_name(const Client& client) {
    if (chance(2)) return "INBOX";
    if (chance(6)) return pick_tree_name();
    const auto& boxes = client.account.boxes;
    return std::next(boxes.begin(), static_cast<std::ptrdiff_t>(pick(boxes.size())))->second.name;
  }
  std::string pick_tree_name() {
    static constexpr auto kNames = std::to_array<std::string_view>({"a", "a/b", "a/b/c", "b", "c/d", "Archive", "Sent"});
    return std::string(kNames[pick(kNames.size())]);
  }
  Bits pick_flags() {
    Bits out = 0;
    for (std::size_t i = pick(3); i > 0; --i) out |= static_cast<Bits>(1u << pick(kFlagNames.size()));
    if (chance(3)) out |= kDeletedBit;
    return out;
  }
  // Names of flags in any case.
  std::string pick_spelling(Bits flags) {
    std::string text = text_of(flags);
    if (chance(4)) std::ranges::transform(text, text.begin(), [](char c) { return ascii_lower(c); });
    return text;
  }

  // Which messages: by number, or by UID.
  struct Chosen {
    std::string set;
    std::vector<Uid> uids;
    bool uid = false;
  };
  std::optional<Chosen> choose(Client& client) {
    std::vector<std::size_t> known;
    const auto& slots = client.view->slots;
    for (std::size_t i = 0; i < slots.size(); ++i)
      if (slots[i].uid != 0) known.push_back(i);
    if (known.empty()) return std::nullopt;
    std::vector<std::size_t> some;
    const std::size_t kind = pick(4);
    const std::size_t start = pick(known.size());
    for (std::size_t i = 0; i < known.size(); ++i) {
      const bool run = i >= start && i < start + 3;
      if (kind == 0 || (kind == 1 && run) || (kind == 2 && i == start) || (kind == 3 && chance(3))) some.push_back(known[i]);
    }
    if (some.empty()) some.push_back(known[start]);
    Chosen out;
    out.uid = !client.may_use_numbers() || chance(2);
    std::vector<std::uint32_t> numbers;
    for (const std::size_t i : some) {
      out.uids.push_back(slots[i].uid);
      numbers.push_back(out.uid ? slots[i].uid : static_cast<std::uint32_t>(i + 1));
    }
    out.set = set_of(numbers);
    const bool whole = some.size() == slots.size() && client.outstanding().empty();
    if (whole && chance(2)) out.set = "1:*";
    if (out.uid && chance(8)) out.set += ",4000000000";  // there is none
    return out;
  }
  static Command about(Verb verb, Chosen chosen, const std::string& word, const std::string& rest) {
    Command command;
    command.verb = verb;
    command.uid = chosen.uid;
    command.uids = std::move(chosen.uids);
    command.pieces = {std::string(chosen.uid ? "UID " : "") + word + ' ' + chosen.set + rest};
    return command;
  }

  std::optional<Command> read(Client& client) {
    switch (pick(9)) {
      case 0: return noop(client);
      case 1: return idle(client);
      case 2: return search(client, search_key().text);
      case 3: return leave(client, client.view->read_only);
      case 4: return look_around(client);
      case 5: return fetch_body(client, true);
      default: return fetch_flags(client);
    }
  }
  std::optional<Command> change(Client& client) {
    switch (pick(20)) {
      case 0: return leave(client, true);
      case 1:
      case 2: return append(client);
      case 3: return copy(client, Verb::copy);
      case 4:
      case 5: return copy(client, Verb::move);
      case 6:
      case 7: return expunge(client);
      case 8: return fetch_body(client, client.view->read_only || chance(2));
      case 9:
      case 10:
      case 11: return read(client);
      case 12: return idle(client);
      default: return store(client);
    }
  }
  std::optional<Command> idle(Client& client) {
    if (!client.outstanding().empty()) return noop(client);
    return plain(Verb::idle, "IDLE");
  }
  Command look_around(Client& client) { return chance(3) ? list() : status(pick_name(client)); }

  std::optional<Command> leave(Client& client, bool may_close) {
    switch (pick(6)) {
      case 0: return plain(Verb::unselect, "UNSELECT");
      case 1: {
        if (!may_close) return noop(client);
        Command command = plain(Verb::close, "CLOSE");
        command.uids = client.view->known_uids();
        command.all = true;
        return command;
      }
      case 2: return chance(3) ? std::optional(plain(Verb::logout, "LOGOUT")) : std::nullopt;
      default: return select(client);
    }
  }

  Command select(Client& client) {
    Command command;
    command.verb = Verb::select;
    command.name = pick_name(client);
    if (!client.memories.empty() && !chance(3))
      command.name = std::next(client.memories.begin(), static_cast<std::ptrdiff_t>(pick(client.memories.size())))->second.name;
    command.read_only = chance(6);
    std::string text = (command.read_only ? "EXAMINE " : "SELECT ") + command.name;
    const View* known = nullptr;
    if (!chance(5)) known = remembered(client, command.name);
    if (client.knows == Knows::qresync && known != nullptr) {
      command.resync = std::make_shared<const View>(*known);
      text += " (QRESYNC (" + std::to_string(known->uid_validity) + ' ' + std::to_string(known->highest) + known_sets(*known) + "))";
    } else if (client.knows == Knows::condstore && chance(2)) {
      text += " (CONDSTORE)";
    }
    if (client.knows == Knows::condstore && known != nullptr && chance(2)) command.recall = std::make_shared<const View>(*known);
    command.pieces = {text};
    return command;
  }
  // The last one of that name; where the mailbox has been renamed or made anew the server's UIDVALIDITY says so.
  static const View* remembered(Client& client, const std::string& name) {
    const View* out = nullptr;
    for (const auto& [uid_validity, view] : client.memories)
      if (view.name == name && view.complete() > 0) out = &view;
    return out;
  }
  // RFC 7162 3.2.5: the UIDs that the client knows, and some of their numbers.
  std::string known_sets(const View& view) {
    if (chance(2)) return "";
    std::vector<std::uint32_t> uids, some, numbers;
    for (std::size_t i = 0; i < view.complete(); ++i) {
      uids.push_back(view.slots[i].uid);
      if (!chance(3)) continue;
      some.push_back(view.slots[i].uid);
      numbers.push_back(static_cast<std::uint32_t>(i + 1));
    }
    std::string out = ' ' + set_of(uids);
    if (!some.empty() && chance(2)) out += " (" + set_of(numbers) + ' ' + set_of(some) + ')';
    return out;
  }

  std::optional<Command> fetch_flags(Client& client) {
    auto chosen = choose(client);
    if (!chosen) return noop(client);
    const bool modseq = client.knows != Knows::rev1 && chance(2);
    return about(Verb::fetch, *std::move(chosen), "FETCH", modseq ? " (UID FLAGS MODSEQ)" : " (UID FLAGS)");
  }
  std::optional<Command> fetch_body(Client& client, bool peek) {
    auto chosen = choose(client);
    if (!chosen) return noop(client);
    Command command =
        about(Verb::fetch, *std::move(chosen), "FETCH", peek ? " (UID BODY.PEEK[] INTERNALDATE RFC822.SIZE)" : " (UID BODY[])");
    command.sees = !peek;
    return command;
  }

  std::optional<Command> store(Client& client) {
    auto chosen = choose(client);
    if (!chosen) return append(client);
    const Bits flags = pick_flags();
    const auto change = static_cast<Command::Change>(pick(3));
    const bool silent = chance(3);
    std::optional<Modseq> unchanged_since;
    if (client.knows != Knows::rev1 && chance(4)) {
      const Slot* slot = client.view->find(chosen->uids.front());
      unchanged_since = chance(2) ? client.view->highest : slot->modseq;
    }
    std::string rest = unchanged_since ? " (UNCHANGEDSINCE " + std::to_string(*unchanged_since) + ") " : " ";
    if (change == Command::Change::add) rest += '+';
    if (change == Command::Change::remove) rest += '-';
    rest += silent ? "FLAGS.SILENT " : "FLAGS ";
    Command command = about(Verb::store, *std::move(chosen), "STORE", rest + pick_spelling(flags));
    command.change = change;
    command.flags = flags;
    command.silent = silent;
    command.unchanged_since = unchanged_since;
    return command;
  }

  std::optional<Command> copy(Client& client, Verb verb) {
    auto chosen = choose(client);
    if (!chosen) return append(client);
    const std::string to = pick_name(client);
    Command command = about(verb, *std::move(chosen), verb == Verb::move ? "MOVE" : "COPY", ' ' + to);
    command.name = to;
    return command;
  }

  std::optional<Command> expunge(Client& client) {
    if (chance(2)) {
      Command command = plain(Verb::expunge, "EXPUNGE");
      command.uids = client.view->known_uids();
      command.all = true;
      return command;
    }
    auto chosen = choose(client);
    if (!chosen) return noop(client);
    if (!chosen->uid) {
      chosen->set = set_of(chosen->uids);
      chosen->uid = true;
    }
    return about(Verb::expunge, *std::move(chosen), "EXPUNGE", "");
  }

  Command append(Client& client) { return append_to(pick_name(client), chance(3) ? 2 + pick(3) : 1); }
  Command append_to(const std::string& name, std::size_t count) {
    Command command;
    command.verb = Verb::append;
    command.name = name;
    std::string text = "APPEND " + command.name;
    for (std::size_t i = count; i > 0; --i) {
      const NewContent message{++contents_, pick_flags()};
      command.messages.push_back(message);
      const std::string bytes = bytes_of_content(message.content);
      if (message.flags != 0 || chance(2)) text += ' ' + pick_spelling(message.flags);
      text += " \"" + date_of_content(message.content) + '"';
      const bool asks = chance(3);
      text += " {" + std::to_string(bytes.size()) + (asks ? "}" : "+}\r\n");
      if (asks) {
        command.pieces.push_back(text);
        text.clear();
      }
      text += bytes;
    }
    if (command.pieces.empty())
      command.pieces.push_back(std::move(text));
    else
      command.pieces.push_back(text + "\r\n");
    end_lines(command.pieces);
    return command;
  }
  // Each piece ends a line; issue() ends the first one.
  static void end_lines(std::vector<std::string>& pieces) {
    for (std::size_t i = 1; i + 1 < pieces.size(); ++i) pieces[i] += "\r\n";
  }

  std::optional<Command> change_tree() {
    Command command;
    command.name = pick_tree_name();
    switch (pick(8)) {
      case 0:
      case 1:
      case 2:
        command.verb = Verb::create;
        command.pieces = {"CREATE " + command.name};
        break;
      case 3:
        command.verb = Verb::remove;
        command.pieces = {"DELETE " + command.name};
        break;
      case 4:
      case 5:
        command.verb = Verb::rename;
        command.to = pick_tree_name();
        command.pieces = {"RENAME " + command.name + ' ' + command.to};
        break;
      case 6:
        command.verb = Verb::subscribe;
        command.pieces = {"SUBSCRIBE " + command.name};
        break;
      default:
        command.verb = Verb::unsubscribe;
        command.pieces = {"UNSUBSCRIBE " + command.name};
        break;
    }
    return command;
  }

  Random& random_;
  int contents_ = 0;
};

}  // namespace godwit::imapd::model
