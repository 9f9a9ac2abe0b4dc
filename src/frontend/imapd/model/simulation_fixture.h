#pragma once
// One run of the model test: some clients, one or two accounts, rounds of commands that come between each other in any way, cut
// connections, power cuts. All of it follows from the seed. For the model test alone.

#include <memory>
#include <string>
#include <vector>

#include "frontend/imapd/model/acts_fixture.h"
#include "frontend/imapd/model/round_fixture.h"

namespace godwit::imapd::model {

class Simulation {
 public:
  Simulation(std::uint64_t seed, bool writes_down) : random_(seed), acts_(random_), server_(random_), run_{.server = server_} {
    run_.writes_down = writes_down;
  }

  // What was wrong, "" if nothing.
  std::string run() {
    begin();
    const std::size_t rounds = 4 + pick(6);
    for (std::size_t i = 0; i < rounds && is_well(); ++i) {
      note("round " + std::to_string(i + 1));
      server_.loop().advance(pick(8) == 0 ? std::chrono::minutes(5) : std::chrono::seconds(1));  // IDLE says that it is still there
      play_round();
      if (is_well() && (i + 1 == rounds || chance(2))) check_views();
    }
    if (is_well()) finish();
    return run_.trouble;
  }
  const std::vector<std::string>& transcript() const { return run_.transcript; }

 private:
  struct Plan {
    std::size_t tree_client = SIZE_MAX;  // who may change the tree
    bool inbox_is_renamed = false;       // by him; nobody else changes anything then
    std::size_t cuts = 0;
    bool crash = false;
    std::vector<std::size_t> budgets;  // commands of each client
  };
  struct Checkpoint {  // what a client saw long ago
    Modseq highest = 0;
    std::map<Uid, Actual::Message> messages;
  };

  std::size_t pick(std::size_t below) { return acts_.pick(below); }
  bool chance(std::size_t one_in) { return acts_.chance(one_in); }
  bool is_well() const { return run_.trouble.empty(); }
  void note(const std::string& what) { run_.note(0, " -- ", what); }
  void complain(const std::string& what) { run_.complain(0, what); }
  void complain(const Client& client, const std::string& what) { run_.complain(client.number, what); }

  void begin() {
    const std::size_t accounts = chance(4) ? 2 : 1;
    for (std::size_t i = 0; i < accounts; ++i) {
      ids_.push_back(Logins::the().id(i));
      GODWIT_CHECK(server_.loop().run(server_.mailboxes().open_account(ids_[i])).has_value());
      accounts_.push_back(std::make_unique<Account>());
      accounts_[i]->begin(read(i));
    }
    const std::size_t clients = 2 + pick(4);
    for (std::size_t i = 0; i < clients; ++i) {
      const std::size_t account = accounts == 2 && i + 1 == clients ? 1 : 0;
      const auto knows = chance(2) ? Knows::qresync : static_cast<Knows>(pick(2));
      clients_.push_back(
          std::make_unique<Client>(run_, *accounts_[account], static_cast<int>(i + 1), Logins::the().name(account), knows, chance(2)));
      clients_[i]->connect();
    }
    drain();
    clients_[0]->issue(acts_.fill_inbox());
    drain();
    for (auto& client : clients_)
      if (is_well() && !chance(4)) client->issue(acts_.open_inbox());
    drain();
    settle(false);
  }

  Actual read(std::size_t which) {
    server_.engine().set_gates(0);
    auto& loop = server_.loop();
    auto& mailboxes = server_.mailboxes();
    const auto folders = loop.run(mailboxes.folders(ids_[which])).value();
    const auto keywords = loop.run(mailboxes.keywords(ids_[which])).value();
    Actual out;
    out.subscribed.insert(folders.subscriptions.begin(), folders.subscriptions.end());
    for (const auto& row : folders.mailboxes) {
      Actual::Box& box = out.boxes[row.uid_validity];
      box.row = row;
      const auto snapshot = loop.run(mailboxes.snapshot(ids_[which], row.number)).value();
      for (const auto& info : snapshot.messages) {
        Bits flags = info.flags;
        for (const auto keyword : info.keywords) flags |= bit_of(keywords->name(keyword)).value_or(0);
        box.messages[info.uid] = {static_cast<int>(info.size - kContentHead), flags, info.modseq};
      }
    }
    return out;
  }

  Plan make_plan() {
    Plan plan;
    if (chance(2)) plan.tree_client = pick(clients_.size());
    plan.inbox_is_renamed = plan.tree_client != SIZE_MAX && chance(6);
    if (plan.inbox_is_renamed && &clients_[plan.tree_client]->account != accounts_[0].get()) plan.inbox_is_renamed = false;
    plan.cuts = chance(3) ? 1 + pick(2) : 0;
    plan.crash = chance(8);
    for (std::size_t i = 0; i < clients_.size(); ++i) plan.budgets.push_back(pick(5));
    return plan;
  }

  void play_round() {
    Plan plan = make_plan();
    server_.engine().set_gates(chance(4) ? 0 : 1 + pick(8));
    while (is_well() && step(plan)) {
      if (!chance(4)) listen();
      if (plan.cuts > 0 && chance(15)) cut(plan);
      if (plan.crash && chance(40)) break;
    }
    if (!is_well()) return;
    if (plan.crash) return crash();
    drain();
    settle(false);
  }

  void listen() {
    server_.loop().poll();
    for (auto& client : clients_) client->hear();
  }

  struct Choice {
    void (Simulation::*act)(Plan&, std::size_t);
    std::size_t which;
  };
  // What can be done now.
  std::vector<Choice> choices(const Plan& plan) {
    std::vector<Choice> out;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      const Client& client = *clients_[i];
      const bool may_act = plan.budgets[i] > 0;
      if (!client.is_online() && may_act) out.push_back({&Simulation::connect, i});
      if (client.unsent() > 0) out.push_back({&Simulation::send, i});
      if (client.idling && !client.done_sent && may_act) out.push_back({&Simulation::end_idle, i});
      if (may_act && !client.hung_up() && client.may_issue()) out.push_back({&Simulation::issue, i});
    }
    for (std::size_t i = 0; i < server_.engine().waiting(); ++i) out.push_back({&Simulation::open_gate, i});
    return out;
  }
  // Does one of them. false: there is nothing.
  bool step(Plan& plan) {
    auto possible = choices(plan);
    if (possible.empty()) {
      listen();
      possible = choices(plan);
    }
    if (possible.empty()) return false;
    const Choice chosen = possible[pick(possible.size())];
    (this->*chosen.act)(plan, chosen.which);
    return true;
  }
  void connect(Plan& plan, std::size_t which) {
    --plan.budgets[which];
    clients_[which]->connect();
  }
  void send(Plan& /*plan*/, std::size_t which) {
    Client& client = *clients_[which];
    client.send(chance(3) ? 1 + pick(client.unsent()) : client.unsent());
  }
  void end_idle(Plan& plan, std::size_t which) {
    --plan.budgets[which];
    clients_[which]->end_idle();
  }
  void open_gate(Plan& /*plan*/, std::size_t which) {
    server_.engine().open(which);
    ++run_.now;
  }
  void issue(Plan& plan, std::size_t which) {
    --plan.budgets[which];
    Client& client = *clients_[which];
    auto freedom = which == plan.tree_client ? Acts::Freedom::tree : Acts::Freedom::mail;
    if (plan.inbox_is_renamed && &client.account == accounts_[0].get()) freedom = Acts::Freedom::read;
    if (freedom == Acts::Freedom::read && which == plan.tree_client) {
      plan.tree_client = SIZE_MAX;  // once
      client.issue(acts_.rename_inbox());
      return;
    }
    if (auto command = acts_.next(client, freedom)) client.issue(*std::move(command));
  }
  void cut(Plan& plan) {
    const std::size_t which = pick(clients_.size());
    if (!clients_[which]->is_online()) return;
    --plan.cuts;
    if (plan.tree_client == which) plan.tree_client = SIZE_MAX;  // what he did last may yet be done
    if (chance(2)) listen();
    clients_[which]->drop();
  }

  // Nobody does anything new; everything that is under way ends.
  void drain() {
    for (bool more = true; more && is_well();) {
      for (auto& client : clients_)
        if (client->unsent() > 0) client->send(client->unsent());
      server_.run_free();
      for (auto& client : clients_) client->hear();
      more = std::ranges::any_of(clients_, [](const auto& client) { return client->unsent() > 0; });
    }
    for (const auto& client : clients_)
      if (is_well() && client->waits()) complain(*client, client->outstanding().front().tag + " is never answered");
  }

  void settle(bool crashed) {
    actual_.clear();
    for (std::size_t i = 0; i < accounts_.size() && is_well(); ++i) {
      actual_.push_back(read(i));
      complain(accounts_[i]->settle(actual_[i], crashed));
      if (crashed) forgive(*accounts_[i], actual_[i]);
    }
  }

  void crash() {
    note("the power goes");
    for (auto& client : clients_) client->drop();
    server_.crash(random_);
    for (const auto id : ids_) GODWIT_CHECK(server_.loop().run(server_.mailboxes().apply_outbox(id)).has_value());
    settle(true);
  }
  // ADR 13: who was told of flags that the power cut took back hears of it at the message's next change.
  void forgive(const Account& account, const Actual& actual) {
    const auto lost = [&](std::uint32_t box, Uid uid, Modseq modseq) {
      const auto at = actual.boxes.find(box);
      if (at == actual.boxes.end() || !at->second.messages.contains(uid)) return false;
      return at->second.messages.at(uid).modseq < modseq;
    };
    for (auto& client : clients_) {
      if (&client->account != &account) continue;
      for (auto& [uid_validity, view] : client->memories)
        for (Slot& slot : view.slots)
          if (lost(uid_validity, slot.uid, slot.modseq)) slot.stale = true;
    }
    for (auto& [key, checkpoint] : checkpoints_)
      for (auto& [uid, message] : checkpoint.messages)
        if (key.first == &account && lost(key.second, uid, message.modseq)) message = actual.boxes.at(key.second).messages.at(uid);
  }

  // Nothing is under way: what each client believes is what is.
  void check_views() {
    note("all is quiet");
    for (auto& client : clients_) {
      if (client->idling && !client->done_sent && chance(2)) client->end_idle();
      if (client->may_issue()) client->issue(acts_.noop(*client));
    }
    drain();
    for (auto& client : clients_)
      if (is_well()) check_view(*client, actual_[account_of(*client)]);
    for (auto& client : clients_) {
      const bool missing = client->view && client->view->complete() < client->view->slots.size();
      if (is_well() && missing && client->may_issue()) ask(*client, acts_.fetch_missing(*client));
      if (is_well()) check_view(*client, actual_[account_of(*client)]);
      if (is_well() && client->may_issue() && chance(2)) probe(*client, actual_[account_of(*client)]);
    }
    for (std::size_t i = 0; i < actual_.size(); ++i)
      for (const auto& [uid_validity, box] : actual_[i].boxes)
        if (chance(4)) checkpoints_[{accounts_[i].get(), uid_validity}] = {box.row.highest_modseq, box.messages};
  }
  std::size_t account_of(const Client& client) const { return &client.account == accounts_[0].get() ? 0 : 1; }
  // Its answer is in client.last.
  void ask(Client& client, Command command) {
    client.issue(std::move(command));
    drain();
  }

  void check_view(const Client& client, const Actual& actual) {
    if (!client.view) return;
    const View& view = *client.view;
    const auto found = actual.boxes.find(view.uid_validity);
    if (found == actual.boxes.end()) return complain(client, "its mailbox is gone, and nobody said so");
    const auto& messages = found->second.messages;
    if (view.slots.size() != messages.size())
      return complain(client, "it counts " + std::to_string(view.slots.size()) + " messages, there are " + std::to_string(messages.size()));
    auto message = messages.begin();
    for (const Slot& slot : view.slots) {
      const auto& [uid, is] = *message++;
      if (slot.uid == 0) continue;
      if (slot.uid != uid) return complain(client, "it takes UID " + std::to_string(slot.uid) + " for UID " + std::to_string(uid));
      if (!slot.flags || slot.stale) continue;
      if (*slot.flags != is.flags)
        return complain(client, "UID " + std::to_string(uid) + " is " + text_of(is.flags) + ", it believes " + text_of(*slot.flags));
      if (client.knows != Knows::rev1 && slot.modseq != is.modseq)
        return complain(client, "UID " + std::to_string(uid) + " has modseq " + std::to_string(is.modseq) + ", it believes " +
                                    std::to_string(slot.modseq));
    }
  }

  void probe(Client& client, const Actual& actual) {
    switch (pick(5)) {
      case 0: return probe_status(client, actual);
      case 1: return probe_list(client, actual);
      case 2:
        if (client.view) probe_search(client, actual);
        return;
      case 3:
        if (client.view) ask(client, acts_.fetch_bodies(client));
        return;
      default:
        if (client.view && client.knows != Knows::rev1) probe_changes(client, actual);
    }
  }
  void probe_status(Client& client, const Actual& actual) {
    const auto at = std::next(actual.boxes.begin(), static_cast<std::ptrdiff_t>(pick(actual.boxes.size())));
    const auto& row = at->second.row;
    ask(client, acts_.status(row.name));
    const std::map<std::string, std::uint64_t> expected = {
        {"MESSAGES", row.total},  {"UIDNEXT", row.uid_next}, {"UIDVALIDITY", row.uid_validity},     {"UNSEEN", row.unseen},
        {"DELETED", row.deleted}, {"SIZE", row.bytes},       {"HIGHESTMODSEQ", row.highest_modseq},
    };
    if (is_well() && client.last.status != expected) complain(client, client.last.tag + ": STATUS is wrong");
  }
  void probe_list(Client& client, const Actual& actual) {
    ask(client, acts_.list());
    std::map<std::string, bool> expected;
    for (const auto& [uid_validity, box] : actual.boxes) expected[box.row.name] = actual.subscribed.contains(box.row.name);
    if (is_well() && client.last.listed != expected) complain(client, client.last.tag + ": LIST is wrong");
  }
  void probe_search(Client& client, const Actual& actual) {
    const auto key = acts_.search_key();
    ask(client, acts_.search(client, key.text));
    if (!is_well() || !client.view) return;
    std::vector<std::uint32_t> expected;
    std::uint32_t number = 0;
    for (const auto& [uid, message] : actual.boxes.at(client.view->uid_validity).messages) {
      ++number;
      if (key.flag == 0 || ((message.flags & key.flag) != 0) == key.set) expected.push_back(client.last.uid ? uid : number);
    }
    if (client.last.found != expected) complain(client, client.last.tag + ": SEARCH is wrong");
  }
  // RFC 7162 3.1.4, 3.2.6: all that has changed since then, and nothing else.
  void probe_changes(Client& client, const Actual& actual) {
    const auto found = checkpoints_.find({&client.account, client.view->uid_validity});
    if (found == checkpoints_.end()) return;
    const Checkpoint& then = found->second;
    const bool vanished = client.knows == Knows::qresync && chance(2);
    ask(client, acts_.fetch_changed(then.highest, vanished));
    if (!is_well()) return;
    const auto& messages = actual.boxes.at(found->first.second).messages;
    const auto& told = client.last.fetched;
    for (const auto& [uid, message] : messages) {
      const auto old = then.messages.find(uid);
      const bool differs = old == then.messages.end() || old->second.flags != message.flags;
      if (told.contains(uid) != (message.modseq > then.highest) || (differs && !told.contains(uid)))
        return complain(client, client.last.tag + ": CHANGEDSINCE is wrong about UID " + std::to_string(uid));
    }
    if (!vanished) return;
    const std::set<Uid> gone(client.last.vanished.begin(), client.last.vanished.end());
    for (const Uid uid : gone)
      if (messages.contains(uid)) return complain(client, client.last.tag + ": VANISHED, but there: UID " + std::to_string(uid));
    for (const auto& [uid, message] : then.messages)
      if (!messages.contains(uid) && !gone.contains(uid))
        return complain(client, client.last.tag + ": not VANISHED: UID " + std::to_string(uid));
  }

  void finish() {
    drain();
    settle(false);
    for (auto& client : clients_) client->drop();
    server_.run_free();
    for (const auto id : ids_) {
      const auto differences = server_.loop().run(server_.mailboxes().verify(id));
      if (!differences || !differences->empty()) complain("the rows do not add up: " + (differences ? differences->front() : "no answer"));
    }
  }

  testing::SeededRandom random_;
  Acts acts_;
  Server server_;
  Run run_;
  std::vector<directory::AccountId> ids_;
  std::vector<std::unique_ptr<Account>> accounts_;
  std::vector<Actual> actual_;                                                  // of each account, at the end of the last round
  std::vector<std::unique_ptr<Client>> clients_;                                // before the accounts in the end
  std::map<std::pair<const Account*, std::uint32_t>, Checkpoint> checkpoints_;  // by UIDVALIDITY
};

}  // namespace godwit::imapd::model
