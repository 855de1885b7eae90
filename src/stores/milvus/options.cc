#include "stores/milvus/options.h"

namespace godwit::milvus {

OptionTable Options() {
  return {
      {.name = "url",
       .help = "Address of the server; https where it is encrypted, a database may follow as the path.",
       .required = true,
       .example = "http://localhost:19530"},
      {.name = "token",
       .type = OptionType::kSecret,
       .help = "user:password, or an API key.",
       .example = "${MILVUS_TOKEN}",
       .conflicts = {"user", "password"}},
      {.name = "user", .help = "Name of the user, instead of `token`.", .example = "root"},
      {.name = "password",
       .type = OptionType::kSecret,
       .help = "Password of the user.",
       .example = "${MILVUS_PASSWORD}"},
      {.name = "database",
       .help = "Database of collections that name none; default: the path of the url, else `default`."},
      {.name = "ca_pem_path",
       .help = "Certificate authority of the server, PEM; default: those that the system trusts.",
       .example = "/etc/milvus/ca.pem"},
      {.name = "client_pem_path", .help = "Our certificate, PEM, where the server asks for one."},
      {.name = "client_key_path", .help = "Private key of our certificate, PEM."},
      {.name = "server_name",
       .help = "Name in the server's certificate, where it is not the host's.",
       .example = "localhost"},
      {.name = "timeout",
       .type = OptionType::kDuration,
       .help = "How long one call may take.",
       .default_text = "30s",
       .min = 1000,
       .max = 3600'000,
       .tuning = true},
      {.name = "connections",
       .type = OptionType::kInt,
       .help = "TCP connections to the server, shared by all streams.",
       .default_text = "4",
       .min = 1,
       .max = 64,
       .tuning = true},
      {.name = "batch_rows",
       .type = OptionType::kInt,
       .help = "Most rows in one page read or one insert; 0 = as many as their bytes allow.",
       .default_text = "0",
       .min = 0,
       .max = 1'000'000,
       .tuning = true},
      {.name = "write_mode",
       .type = OptionType::kEnum,
       .help = "auto inserts, and upserts where a key may be there already (after a failure, or into a collection that "
               "holds rows); upsert always upserts.",
       .default_text = "auto",
       .scope = OptionScope::kTarget,
       .allowed = {"auto", "upsert"},
       .tuning = true},
  };
}

arrow::Result<MilvusOptions> ReadOptions(const OptionValues& values) {
  MilvusOptions options;
  options.client = {
      .url = values.GetString("url"),
      .database = values.GetString("database"),
      .token = values.GetSecret("token"),
      .user = values.GetString("user"),
      .password = values.GetSecret("password"),
      .ca_pem_path = values.GetString("ca_pem_path"),
      .client_pem_path = values.GetString("client_pem_path"),
      .client_key_path = values.GetString("client_key_path"),
      .server_name = values.GetString("server_name"),
      .timeout = std::chrono::milliseconds(values.GetInt("timeout")),
      .connections = static_cast<int>(values.GetInt("connections")),
  };
  options.batch_rows = values.GetInt("batch_rows");
  options.always_upsert = values.GetString("write_mode") == "upsert";
  ARROW_ASSIGN_OR_RAISE(Endpoint endpoint, ParseUrl(options.client.url));
  if (!endpoint.database.empty() && !options.client.database.empty() && endpoint.database != options.client.database) {
    return MakeError(ErrorKind::kInvalidConfig,
                     "the url names the database '" + endpoint.database + "' and `database` another; give one of them",
                     "database");
  }
  return options;
}

}  // namespace godwit::milvus
