#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/queue_tables.h"

namespace godwit::app {
namespace {

using namespace queue_tables;

// Which messages are meant; everything given must hold.
struct Selection {
  std::string id;
  std::string to;
  std::string from;
  std::string tenant;
  std::string domain;
  std::string sender;
  std::string reason;
  std::string older;
  std::string held;
  std::string priority;

  std::array<std::pair<const char*, const std::string*>, 10> words() const {
    return {{{"id", &id},
             {"to", &to},
             {"from", &from},
             {"tenant", &tenant},
             {"domain", &domain},
             {"sender", &sender},
             {"class", &reason},
             {"older", &older},
             {"held", &held},
             {"priority", &priority}}};
  }
  boost::json::object body() const {
    boost::json::object out;
    for (const auto& [name, text] : words())
      if (!text->empty()) out[name] = *text;
    return out;
  }
  std::string query() const {
    std::string out;
    for (const auto& [name, text] : words())
      if (!text->empty()) out += fmt::format("{}{}={}", out.empty() ? "?" : "&", name, encode_segment(*text));
    return out;
  }
};

using Shared = std::shared_ptr<Selection>;

// Those that a rule can be about, too: they stay the same while a message waits.
void add_parties(CLI::App* command, const Shared& selection) {
  command->add_option("--to", selection->to, "with a recipient like PATTERN (* stands for anything)")->option_text("PATTERN");
  command->add_option("--from", selection->from, "with a reverse path like PATTERN; <> is the null one")->option_text("PATTERN");
  command->add_option("--tenant", selection->tenant, "of a tenant")->option_text("PATTERN");
  command->add_option("--domain", selection->domain, "with a recipient in a domain")->option_text("PATTERN");
  command->add_option("--sender", selection->sender, "submitted by an account, or else with that reverse path")->option_text("PATTERN");
}

void add_selection(CLI::App* command, const Shared& selection) {
  command->add_option("--id", selection->id, "this message");
  add_parties(command, selection);
  command->add_option("--class", selection->reason, "whose last refusal was of a class: greylisted, mailbox_full ...; untried")
      ->option_text("CLASS");
  command->add_option("--older", selection->older, "accepted longer ago than AGE (30m, 6h, 2d)")->option_text("AGE");
  command->add_option("--priority", selection->priority, "urgent, normal or non-urgent");
  command->add_flag_callback("--held", [selection] { selection->held = "yes"; }, "held ones alone");
  command->add_flag_callback("--not-held", [selection] { selection->held = "no"; }, "others alone");
}

struct Verb {
  const char* name;
  const char* help;
  const char* done;
};

CLI::App* add_action(CLI::App* command, const Options& options, Action& action, const Verb& verb,
                     std::shared_ptr<boost::json::object> extra = {}) {
  auto selection = std::make_shared<Selection>();
  auto wait = std::make_shared<bool>(false);
  auto* sub = command->add_subcommand(verb.name, verb.help);
  add_selection(sub, selection);
  sub->add_flag("--wait", *wait, "come back when all is done");
  sub->callback([&options, &action, selection, wait, verb, extra] {
    action = [&options, selection, wait, verb, extra] {
      auto body = selection->body();
      if (extra)
        for (const auto& [key, value] : *extra) body[key] = value;
      if (body.contains("new")) {  // of what is to come
        body.erase("new");
        body["action"] = verb.name;
        return call_and_print(options, "POST", "/v1/queue/rules", std::move(body),
                              verb.name == std::string_view("hold") ? show_rule : show_ended);
      }
      body["action"] = verb.name;
      body["wait"] = *wait;
      return call_and_print(options, "POST", "/v1/queue/actions", std::move(body),
                            [&](const boost::json::object& answer) { show_acted(answer, verb.done); });
    };
  });
  return sub;
}

void add_actions(CLI::App* command, const Options& options, Action& action) {
  add_action(command, options, action, {"retry", "try now", "tried now"});
  auto hold = std::make_shared<boost::json::object>();
  auto* sub = add_action(command, options, action, {"hold", "keep until released; with --new, mail that is to come", "held"}, hold);
  sub->add_flag_callback("--new", [hold] { (*hold)["new"] = true; }, "a rule: what comes in like this is held at once");
  sub->add_option_function<std::string>("--why", [hold](const std::string& text) { (*hold)["why"] = text; }, "shown with each message");
  auto release = std::make_shared<boost::json::object>();
  sub = add_action(command, options, action, {"release", "end a hold; with --new, the rule that holds new mail", "released"}, release);
  sub->add_flag_callback("--new", [release] { (*release)["new"] = true; }, "end the rule; what it has held stays held");
  add_action(command, options, action, {"drop", "remove without telling the sender", "dropped"});
  auto reroute = std::make_shared<boost::json::object>();
  sub = add_action(command, options, action, {"reroute", "send to another next hop, whatever the routes say", "rerouted"}, reroute);
  auto* via = sub->add_option_function<std::string>(
      "--via", [reroute](const std::string& hop) { (*reroute)["next_hop"] = hop; }, "smtp://host:25, smtps://host, lmtp://host");
  sub->add_flag_callback("--back", [reroute] { (*reroute)["next_hop"] = ""; }, "where the routes say, again")->excludes(via);
}

void add_rules(CLI::App* command, const Options& options, Action& action) {
  struct Words {
    Selection selection;
    std::string site;
    std::string length;
    std::string why;
    std::uint64_t number = 0;
    bool all = false;
  };
  const auto body_of = [](const Words& words, const char* verb) {
    auto body = words.selection.body();
    body["action"] = verb;
    if (!words.site.empty()) body["site"] = words.site;
    if (!words.length.empty()) body["for"] = words.length;
    if (!words.why.empty()) body["why"] = words.why;
    if (words.number > 0) body["number"] = words.number;
    if (words.all) body["all"] = true;
    return body;
  };
  for (const char* verb : {"suspend", "resume"}) {
    const bool suspends = verb == std::string_view("suspend");
    auto words = std::make_shared<Words>();
    auto* sub = command->add_subcommand(verb, suspends ? "try none of some mail for a while" : "end a suspension");
    add_parties(sub, Shared(words, &words->selection));
    sub->add_option("--site", words->site, "that leaves to a site (its name: godwit queue summary)")->option_text("PATTERN");
    if (suspends) {
      sub->add_option("--for", words->length, "so long (30m, 2h, 1d); without it until resumed");
      sub->add_option("--why", words->why, "shown to who asks, and to the sender if it expires meanwhile");
    } else {
      sub->add_option("--number", words->number, "the rule of that number, of any kind (godwit queue rules)");
      sub->add_flag("--all", words->all, "every suspension");
    }
    sub->callback([&options, &action, words, body_of, verb, suspends] {
      action = [&options, words, body_of, verb, suspends] {
        return call_and_print(options, "POST", "/v1/queue/rules", body_of(*words, verb), suspends ? show_rule : show_ended);
      };
    });
  }
  command->add_subcommand("rules", "suspensions, rules that hold new mail, actions under way")->callback([&] {
    action = [&options] { return call_and_print(options, "GET", "/v1/queue/rules", {}, show_rules); };
  });
}

void add_readdress(CLI::App* command, const Options& options, Action& action) {
  struct Words {
    std::string id;
    std::string to;
    std::string address;
  };
  auto words = std::make_shared<Words>();
  auto* sub = command->add_subcommand("readdress", "give a message another recipient in place of one that waits");
  sub->add_option("--id", words->id, "the message")->required();
  sub->add_option("--to", words->to, "the recipient that it has")->required();
  sub->add_option("--new", words->address, "the one that it gets")->required();
  sub->callback([&options, &action, words] {
    action = [&options, words] {
      return call_and_print(options, "POST", "/v1/queue/readdress", {{"id", words->id}, {"to", words->to}, {"new", words->address}},
                            [&](const boost::json::object&) { fmt::print("{} goes to {} now\n", words->id, words->address); });
    };
  });
}

}  // namespace

void add_queue_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("queue", "mail that waits");
  command->require_subcommand(1);
  auto counted = std::make_shared<Selection>();
  auto by = std::make_shared<std::string>();
  auto* summary = command->add_subcommand("summary", "how much waits, and where");
  add_selection(summary, counted);
  summary->add_option("--by", *by, "all of site, domain, tenant, sender, class or age; without it the largest of each")
      ->option_text("WHAT");
  summary->callback([&options, &action, counted, by] {
    action = [&options, counted, by] {
      std::string target = "/v1/queue/summary" + counted->query();
      if (!by->empty()) target += fmt::format("{}by={}", target.contains('?') ? "&" : "?", encode_segment(*by));
      return call_and_print(options, "GET", target, {}, show_summary);
    };
  });

  auto selection = std::make_shared<Selection>();
  auto* list = command->add_subcommand("list", "each message, why it waits and when it is tried again");
  add_selection(list, selection);
  list->callback([&options, &action, selection] {
    action = [&options, selection] { return call_and_print(options, "GET", "/v1/queue" + selection->query(), {}, show_list); };
  });

  auto* show = command->add_subcommand("show", "all about one message");
  show->add_option("ID", selection->id)->required();
  show->callback([&options, &action, selection] {
    action = [&options, selection] {
      return call_and_print(options, "GET", "/v1/queue/" + encode_segment(selection->id), {}, show_message);
    };
  });

  add_actions(command, options, action);
  add_readdress(command, options, action);
  add_rules(command, options, action);
}

}  // namespace godwit::app
