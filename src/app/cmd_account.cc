#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <iostream>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"

namespace godwit::app {
namespace {

struct AccountOptions {
  std::string address;
  std::string domain;
  bool password_stdin = false;
};

std::string ask_hidden(const char* prompt) {
  std::cerr << prompt << std::flush;
  termios before{};
  tcgetattr(STDIN_FILENO, &before);
  termios hidden = before;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);  // Ctrl-C must not leave the terminal silent
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  std::string line;
  std::getline(std::cin, line);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  std::cerr << "\n";
  if (line.contains('\x03')) std::exit(130);
  return line;
}

Result<std::string> read_password(bool from_stdin) {
  std::string password;
  if (from_stdin) {
    std::getline(std::cin, password);
    if (password.ends_with('\r')) password.pop_back();
  } else if (isatty(STDIN_FILENO) == 1) {
    password = ask_hidden("Password: ");
    if (password != ask_hidden("Again: ")) return fail(Error::permanent(Error::Cause::conflict, "the two passwords differ"));
  } else {
    return fail(Error::permanent(Error::Cause::syntax,
                                 "standard input is not a terminal; use --password-stdin and give the password as its first line"));
  }
  if (password.empty()) return fail(Error::permanent(Error::Cause::syntax, "an empty password is refused"));
  return password;
}

int add_account(const Options& options, const AccountOptions& account) {
  const auto password = read_password(account.password_stdin);
  if (!password) return failed(password.error());
  return call_and_print(options, "POST", "/v1/accounts", {{"address", account.address}, {"password", *password}},
                        [](const boost::json::object& answer) { fmt::print("{} added\n", text_of(answer, "address")); });
}

int change_password(const Options& options, const AccountOptions& account) {
  const auto password = read_password(account.password_stdin);
  if (!password) return failed(password.error());
  return call_and_print(options, "PUT", "/v1/accounts/" + encode_segment(account.address) + "/password", {{"password", *password}},
                        [&](const auto&) { fmt::print("the password of {} is changed\n", account.address); });
}

void show_accounts(const boost::json::object& answer) {
  Table table({"ADDRESS", "CREATED"});
  for (const auto& row : answer.at("accounts").as_array())
    table.add({text_of(row.as_object(), "address"), text_of(row.as_object(), "created")});
  if (table.empty())
    fmt::print("there are no accounts\n");
  else
    fmt::print("{}", table.text());
}

}  // namespace

void add_account_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("account", "who may log in");
  command->require_subcommand(1);
  auto account = std::make_shared<AccountOptions>();

  auto* add = command->add_subcommand("add", "make the account ADDRESS");
  add->add_option("ADDRESS", account->address)->required();
  add->add_flag("--password-stdin", account->password_stdin, "the password is the first line of standard input");
  add->callback([&options, &action, account] { action = [&options, account] { return add_account(options, *account); }; });

  auto* list = command->add_subcommand("list", "the accounts");
  list->add_option("DOMAIN", account->domain, "only of this domain");
  list->callback([&options, &action, account] {
    action = [&options, account] {
      const std::string query = account->domain.empty() ? "" : "?domain=" + encode_segment(account->domain);
      return call_and_print(options, "GET", "/v1/accounts" + query, {}, show_accounts);
    };
  });

  auto* remove = command->add_subcommand("remove", "remove the account ADDRESS and its mail");
  remove->add_option("ADDRESS", account->address)->required();
  remove->callback([&options, &action, account] {
    action = [&options, account] {
      return call_and_print(options, "DELETE", "/v1/accounts/" + encode_segment(account->address), {},
                            [&](const auto&) { fmt::print("{} removed\n", account->address); });
    };
  });

  auto* passwd = command->add_subcommand("passwd", "change the password of ADDRESS");
  passwd->add_option("ADDRESS", account->address)->required();
  passwd->add_flag("--password-stdin", account->password_stdin, "the password is the first line of standard input");
  passwd->callback([&options, &action, account] { action = [&options, account] { return change_password(options, *account); }; });
}

}  // namespace godwit::app
