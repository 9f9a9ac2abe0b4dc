#pragma once
// A simulated IMAP client: its connection, the commands that wait for their answers, and what it has learnt. It believes the server alone,
// and complains when the server says what RFC 9051 or RFC 7162 forbid. For the model test alone.

#include <deque>
#include <optional>

#include "frontend/imapd/model/account_fixture.h"
#include "frontend/imapd/model/connection_fixture.h"

namespace godwit::imapd::model {

enum class Knows : std::uint8_t { rev1, condstore, qresync };  // what a client makes use of

class Client {
 public:
  Client(Run& run, Account& account, int number, std::string login, Knows knows, bool rev2)
      : number(number), knows(knows), rev2(rev2), account(account), run_(run), login_(std::move(login)) {}
  ~Client() { drop(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const int number;
  const Knows knows;
  const bool rev2;
  Account& account;
  std::optional<View> view;                // of the selected mailbox
  std::map<std::uint32_t, View> memories;  // of mailboxes that were left: by UIDVALIDITY
  bool idling = false;                     // the server said so; DONE was not sent
  bool done_sent = false;
  Command last;  // that was answered

  bool is_online() const { return connection_ != nullptr; }
  bool is_ready() const { return is_online() && greeted_ && script_.empty() && logged_in_; }
  bool waits() const { return !outstanding_.empty() && !(idling && !done_sent); }  // for an answer
  const std::deque<Command>& outstanding() const { return outstanding_; }

  // Whether a command may follow those that wait for their answers.
  bool may_issue() const {
    if (!is_ready() || !unsent_.empty()) return false;
    return outstanding_.empty() || (outstanding_.back().pieces.empty() && !outstanding_.back().blocks());
  }
  // Message numbers mean what they say: nothing that is on its way may tell of an EXPUNGE.
  bool may_use_numbers() const {
    return view && std::ranges::all_of(outstanding_, [](const Command& each) { return each.keeps_numbers(); });
  }

  void connect() {
    connection_ = std::make_unique<Connection>(run_.server);
    run_.note(number, " --", " connects");
    script_.clear();
    Command login;
    login.verb = Verb::login;
    login.pieces = {"LOGIN " + login_ + ' ' + Logins::kPassword};
    script_.push_back(std::move(login));
    std::string wanted = rev2 ? " IMAP4rev2" : "";
    if (knows != Knows::rev1) wanted += knows == Knows::qresync ? " QRESYNC" : " CONDSTORE";
    if (wanted.empty()) return;
    Command enable;
    enable.verb = Verb::enable;
    enable.pieces = {"ENABLE" + wanted};
    script_.push_back(std::move(enable));
  }

  // The connection is gone, whatever was on its way.
  void drop() {
    if (!connection_) return;
    run_.note(number, " --", " is cut off");
    disconnected();
  }

  void issue(Command command) {
    command.tag = "c" + std::to_string(number) + '.' + std::to_string(++tags_);
    command.client = number;
    if (view && command.verb != Verb::select) {
      command.box = view->uid_validity;
      command.read_only = view->read_only;
    }
    unsent_ = command.tag + ' ' + command.pieces.front() + "\r\n";
    command.pieces.erase(command.pieces.begin());
    outstanding_.push_back(std::move(command));
    if (outstanding_.size() == 1) becomes_first();
  }
  void end_idle() {
    done_sent = true;
    unsent_ = "DONE\r\n";
  }

  std::size_t unsent() const { return unsent_.size(); }
  void send(std::size_t bytes) {
    const std::string piece = unsent_.substr(0, bytes);
    unsent_.erase(0, bytes);
    run_.note(number, " C: ", piece);
    connection_->send(piece);
    ++run_.now;
    if (unsent_.empty() && !outstanding_.empty() && outstanding_.back().pieces.empty() && outstanding_.back().begun == 0)
      outstanding_.back().begun = ++run_.now;
  }

  // Takes in what has come, and goes on with the log-in.
  void hear() {
    while (connection_) {
      const auto text = connection_->take();
      if (!text) break;
      run_.note(number, " S: ", *text);
      ++run_.now;
      take(parse_response(*text));
    }
    if (connection_ && connection_->has_ended()) {
      if (!bye_) complain("the server closed the connection without a word");
      disconnected();
    }
    if (connection_ && greeted_ && !bye_ && outstanding_.empty() && !script_.empty()) {
      issue(std::move(script_.front()));
      script_.pop_front();
    }
  }

  bool hung_up() const { return bye_; }

 private:
  void complain(const std::string& what) { run_.complain(number, what); }

  void disconnected() {
    for (Command& command : outstanding_) {
      if (command.verb == Verb::store && command.silent) forget_assumed(command);
      if (command.begun == 0) continue;  // not all of it was sent: it never was
      command.outcome = Command::Outcome::lost;
      account.round.push_back(std::move(command));
    }
    const bool opening = !outstanding_.empty() && outstanding_.front().verb == Verb::select;
    outstanding_.clear();
    if (view && !opening) remember();
    view.reset();
    connection_.reset();
    unsent_.clear();
    script_.clear();
    idling = done_sent = greeted_ = logged_in_ = bye_ = false;
  }
  void remember() {
    if (knows != Knows::rev1 && view->highest > 0) memories.insert_or_assign(view->uid_validity, *view);
  }

  // From now on what the server says is said in answer to it.
  void becomes_first() {
    Command& command = outstanding_.front();
    if (command.verb == Verb::select && !view) open(command);
    if (command.verb == Verb::store && command.silent && view && view->uid_validity == command.box) assume_stored(command);
  }
  // RFC 9051 6.4.6: a client takes a .SILENT for granted, unless it hears otherwise.
  void assume_stored(const Command& command) {
    for (const Uid uid : command.uids) {
      Slot* slot = view->find(uid);
      if (slot == nullptr || !slot->flags) continue;
      if (command.unchanged_since)
        slot->flags.reset();  // it may have been refused: the client has to ask
      else
        slot->flags = changed(*slot->flags, command);
    }
  }

  void forget_assumed(const Command& command) {
    for (const Uid uid : command.uids) {
      Slot* slot = view && view->uid_validity == command.box ? view->find(uid) : nullptr;
      if (slot != nullptr) slot->flags.reset();
    }
  }

  void open(const Command& command) {
    view.emplace();
    view->name = command.name;
    view->read_only = command.read_only;
    if (command.resync) view->begin_resync(*command.resync);
  }

  void take(const Response& response) {
    switch (response.kind) {
      case Response::Kind::go_ahead: return take_go_ahead();
      case Response::Kind::tagged: return take_answer(response);
      case Response::Kind::untagged: return take_untagged(response);
    }
  }

  void take_go_ahead() {
    if (outstanding_.empty()) return complain("+ when no command is in progress");
    Command& command = outstanding_.back();
    if (command.verb == Verb::idle) {
      idling = true;
      return;
    }
    if (command.pieces.empty() || !unsent_.empty()) return complain("+ that nobody asked for");
    unsent_ = command.pieces.front();
    command.pieces.erase(command.pieces.begin());
  }

  void take_answer(const Response& response) {
    if (outstanding_.empty() || outstanding_.front().tag != response.tag)
      return complain("an answer to " + response.tag + ", which is not next");
    Command command = std::move(outstanding_.front());
    outstanding_.pop_front();
    command.ended = ++run_.now;
    command.code = response.code;
    command.outcome = response.word == "OK" ? Command::Outcome::ok : Command::Outcome::no;
    if (response.word == "BAD") return complain("BAD to " + command.tag);
    take_code(response.code, &command);
    finish(command);
    if (view) count_modseq();
    account.round.push_back(command);
    last = std::move(command);
    if (!outstanding_.empty()) becomes_first();
  }
  // RFC 7162 6
  void count_modseq() {
    if (code_modseq_)
      view->highest = *code_modseq_;
    else
      view->highest = std::max(view->highest, fetch_modseq_);
    code_modseq_.reset();
    fetch_modseq_ = 0;
  }

  void finish(Command& command) {
    const bool ok = command.was_done();
    switch (command.verb) {
      case Verb::login: logged_in_ = ok; break;
      case Verb::idle: idling = done_sent = false; break;
      case Verb::select: finish_select(command); break;
      case Verb::close:
      case Verb::unselect:
        if (ok) leave();
        break;
      case Verb::store: finish_store(command); break;
      case Verb::fetch:
        if (ok && command.recall && view) recall(*command.recall);
        break;
      default: break;
    }
    if ((command.verb == Verb::login || command.verb == Verb::enable) && !ok) complain(command.tag + " was refused");
  }
  void finish_select(const Command& command) {
    if (!command.was_done()) return view.reset();
    if (!view) return complain("a mailbox is open that was not told of");
    complain(view->lay_out());
    if ((command.read_only ? "READ-ONLY" : "READ-WRITE") != command.code) complain("SELECT ends with " + command.code);
    view->read_only = command.read_only;
    if (command.recall && command.recall->uid_validity == view->uid_validity) ask_what_holds(command.recall);
  }
  // RFC 7162 3.1.4, without QRESYNC: which messages are left, and what has changed of them since.
  void ask_what_holds(const std::shared_ptr<const View>& memory) {
    Command numbers;
    numbers.verb = Verb::search;
    numbers.uid = numbers.numbers_view = true;
    numbers.pieces = {"UID SEARCH ALL"};
    script_.push_back(std::move(numbers));
    Command changes;
    changes.verb = Verb::fetch;
    changes.uid = changes.all = true;
    changes.recall = memory;
    changes.pieces = {"UID FETCH 1:* (FLAGS) (CHANGEDSINCE " + std::to_string(memory->highest) + ')'};
    script_.push_back(std::move(changes));
  }
  // What the server did not tell of is as it was.
  void recall(const View& memory) {
    for (const Slot& slot : memory.slots) {
      Slot* at = slot.uid == 0 || !slot.flags ? nullptr : view->find(slot.uid);
      if (at != nullptr && !at->flags) *at = slot;
    }
  }
  void finish_store(Command& command) {
    if (!has_code(command.code, "MODIFIED")) return;
    std::string_view code = command.code;
    take_word(code);
    for (const auto each : numbers_of(code)) {
      if (command.uid)
        command.modified.push_back(each);
      else if (view && each >= 1 && each <= view->slots.size())
        command.modified.push_back(view->slots[each - 1].uid);
      else
        complain("MODIFIED of a number that there is not");
    }
  }
  void leave() {
    if (view) remember();
    view.reset();
    code_modseq_.reset();
    fetch_modseq_ = 0;
  }

  void take_untagged(const Response& response) {
    Command* command = outstanding_.empty() || outstanding_.front().begun == 0 ? nullptr : &outstanding_.front();
    const std::string& word = response.word;
    if (word == "OK") return greeted_ ? take_code(response.code, command) : static_cast<void>(greeted_ = true);
    if (word == "BYE") return take_bye(command);
    if (word == "CAPABILITY" || word == "ENABLED" || word == "RECENT") return;
    if (word == "SEARCH" || word == "ESEARCH") return take_search(response, command);
    if (word == "STATUS") return take_status(response, command);
    if (word == "LIST") return take_list(response, command);
    if (!view) return complain(word + " when no mailbox is selected");
    if (word == "EXISTS") return complain(view->exists(response.number));
    if (word == "EXPUNGE" || word == "VANISHED") return take_gone(response, command);
    if (word == "FETCH") return take_fetch(response, command);
    if (word == "FLAGS") return take_flags(response);
    complain("what is " + word + '?');
  }

  void take_bye(const Command* command) {
    bye_ = true;
    if (command != nullptr && command->verb == Verb::logout) return;
    if (!view) return complain("BYE");
    account.dropped.push_back(view->uid_validity);
  }

  void take_code(std::string_view code, Command* command) {
    const std::string_view whole = code;
    const auto name = take_word(code);
    if (name == "CLOSED") {
      leave();
      if (command != nullptr && command->verb == Verb::select) open(*command);
    } else if (name == "UIDVALIDITY" && view) {
      view->uid_validity = static_cast<std::uint32_t>(number_of(code));
    } else if (name == "HIGHESTMODSEQ") {
      code_modseq_ = number_of(code);
    } else if (name == "COPYUID" && command != nullptr) {
      command->copied = std::string(whole);
    }
  }

  void take_search(const Response& response, Command* command) {
    if (command == nullptr || command->verb != Verb::search) return complain(response.word + " to another command");
    if (response.word == "SEARCH") {
      for (const Value& each : response.values)
        if (!each.is_list) command->found.push_back(static_cast<std::uint32_t>(number_of(each.text)));
    } else {
      for (std::size_t i = 0; i + 1 < response.values.size(); ++i)
        if (response.values[i].text == "ALL") command->found = numbers_of(response.values[i + 1].text);
    }
    if (command->numbers_view && view) complain(view->number_all(command->found));
  }

  void take_status(const Response& response, Command* command) {
    if (command == nullptr || command->verb != Verb::status || response.values.size() != 2)
      return complain("a STATUS that nobody asked for");
    const auto& items = response.values[1].items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) command->status[items[i].text] = number_of(items[i + 1].text);
  }
  void take_list(const Response& response, Command* command) {
    if (command == nullptr || (command->verb != Verb::list && command->verb != Verb::select))
      return complain("a LIST that nobody asked for");
    if (response.values.size() < 3) return complain("what LIST is this?");
    bool there = true, subscribed = false;
    for (const Value& each : response.values[0].items) {
      there = there && each.text != "\\NonExistent" && each.text != "\\Noselect";
      subscribed = subscribed || each.text == "\\Subscribed";
    }
    if (there && !command->listed.emplace(response.values[2].text, subscribed).second) complain("LIST has a name twice");
  }
  void take_flags(const Response& response) {
    const auto flags = response.values.empty() ? std::nullopt : bits_of(response.values[0]);
    if (!flags) return complain("FLAGS has a flag that nobody ever set");
    view->keywords = *flags;
  }

  // RFC 9051 7.5.1, RFC 7162 3.2.10.2
  void take_gone(const Response& response, Command* command) {
    const bool earlier = response.word == "VANISHED" && !response.values.empty() && response.values[0].is_list;
    if (earlier) {
      const auto uids = numbers_of(response.values.back().text);
      if (command == nullptr || (!command->resync && !command->changed_since)) return complain("EARLIER, which nobody asked for");
      command->vanished.insert(command->vanished.end(), uids.begin(), uids.end());
      return view->vanished_earlier(uids);
    }
    complain(view->lay_out());
    if (command == nullptr) return complain(response.word + " when no command is in progress");
    if (command->keeps_numbers()) return complain(response.word + " in answer to a command with message numbers");
    if ((knows == Knows::qresync) != (response.word == "VANISHED")) return complain(response.word + " is the wrong way to say it");
    if (response.word == "EXPUNGE") return complain(view->expunge(response.number));
    complain(view->vanished(response.values.empty() ? std::vector<Uid>() : numbers_of(response.values[0].text)));
  }

  void take_fetch(const Response& response, Command* command) {
    complain(view->lay_out());
    if (response.values.size() != 1) return complain("what FETCH is this?");
    Fetched fetched;
    const auto& items = response.values[0].items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const std::string& name = items[i].text;
      const Value& value = items[i + 1];
      if (name == "UID") fetched.uid = static_cast<Uid>(number_of(value.text));
      if (name == "MODSEQ" && !value.items.empty()) fetched.modseq = number_of(value.items[0].text);
      if (name == "INTERNALDATE") fetched.date = value.text;
      if (name == "RFC822.SIZE") fetched.size = number_of(value.text);
      if (name == "BODY[]") fetched.body = value.text;
      if (name != "FLAGS") continue;
      fetched.flags = bits_of(value);
      if (!fetched.flags) return complain("a flag that nobody ever set");
    }
    complain(view->fetch(response.number, fetched));
    fetch_modseq_ = std::max(fetch_modseq_, fetched.modseq);
    if (run_.trouble.empty()) learn(response.number, fetched, command);
  }
  void learn(std::uint32_t number_in_view, const Fetched& fetched, Command* command) {
    const Slot& slot = view->slots[number_in_view - 1];
    if (fetched.flags && knows != Knows::rev1 && fetched.modseq == 0) complain("FLAGS without MODSEQ, though CONDSTORE is enabled");
    if (fetched.uid == 0 && (rev2 || knows != Knows::rev1)) complain("FETCH without UID");  // RFC 7162 3.2.4, RFC 9051 7.5.2
    if (slot.uid == 0) return;
    if (fetched.flags) account.told.push_back({view->uid_validity, slot.uid, *fetched.flags, fetched.modseq});
    if (command == nullptr) return;
    Fetched& into = command->fetched[slot.uid];
    into = fetched;
    into.uid = slot.uid;
  }

  Run& run_;
  const std::string login_;
  std::unique_ptr<Connection> connection_;
  std::deque<Command> script_;  // of the log-in
  std::deque<Command> outstanding_;
  std::string unsent_;
  std::uint64_t tags_ = 0;
  bool greeted_ = false;
  bool logged_in_ = false;
  bool bye_ = false;
  std::optional<Modseq> code_modseq_;  // since the last answer
  Modseq fetch_modseq_ = 0;
};

}  // namespace godwit::imapd::model
