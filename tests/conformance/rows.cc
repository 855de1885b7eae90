#include "conformance/rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include "model/canonical.h"

namespace godwit::conformance {
namespace {

using Counted = std::map<Hash128, int64_t>;

RowHasher HasherOf(const CollectionSchema& schema) {
  return {schema, schema.key_index() < 0 ? RowHasher::Identity::kWholeRow : RowHasher::Identity::kKey};
}

/// How often each row occurs.
Counted CountRows(const CollectionSchema& schema, const std::vector<Batch>& batches) {
  RowHasher hasher = HasherOf(schema);
  Counted counted;
  HashedRows hashes;
  for (const Batch& batch : batches) {
    Must(hasher.Hash(batch, &hashes));
    for (const Hash128& row : hashes.rows) ++counted[row];
  }
  return counted;
}

/// The key and one more field.
CollectionSchema NarrowSchema(const CollectionSchema& schema, const Field& field) {
  CollectionSchema narrow = schema;
  std::erase_if(narrow.fields, [&](const Field& each) { return !each.primary_key && each.name != field.name; });
  narrow.dynamic_fields = field.dynamic;
  return narrow;
}

std::string DifferingFields(const Rows& want, const Rows& have) {
  std::string names;
  for (const Field& field : want.schema.fields) {
    const CollectionSchema narrow = NarrowSchema(want.schema, field);
    const Rows narrow_want = MapRows(want, narrow);
    const Rows narrow_have = MapRows(have, narrow);
    if (CountRows(narrow, narrow_want.batches) != CountRows(narrow, narrow_have.batches)) names += " " + field.name;
  }
  return names;
}

}  // namespace

std::string KindName(const arrow::Status& status) { return status.ok() ? "ok" : std::string(ToString(KindOf(status))); }

std::unique_ptr<Store> OpenStore(const std::string& room, OptionScope scope, const OptionTexts& texts,
                                 const StopToken& stop) {
  const StoreFactory* factory = FindStore(AllStores(), room);
  if (factory == nullptr) throw std::runtime_error("this build has no store '" + room + "'");
  OptionValues values;
  for (const auto& [name, text] : texts) {
    auto option = std::find_if(factory->options.begin(), factory->options.end(),
                               [&](const Option& each) { return each.name == name; });
    if (option == factory->options.end()) throw std::runtime_error(room + " has no option '" + name + "'");
    values.Set(name, Must(ParseOption(*option, text)));
  }
  Must(FillDefaults(factory->options, scope, &values));
  return Must(factory->open(values, stop));
}

int64_t Rows::count() const {
  int64_t rows = 0;
  for (const Batch& batch : batches) rows += batch.rows->num_rows();
  return rows;
}

Rows MakeRows(const OptionTexts& options, int64_t batch_bytes) {
  auto store = OpenStore("synthetic", OptionScope::kSource, options);
  const std::string name = Must(store->catalog()->List("")).front();
  return ReadAll(store->source(), Must(store->catalog()->Describe({"", name})), {.batch_bytes = batch_bytes});
}

Rows MapRows(const Rows& rows, const CollectionSchema& target) {
  Rows mapped{.schema = target, .batches = {}};
  for (const Batch& batch : rows.batches) {
    arrow::ArrayVector columns;
    for (const Field& field : target.fields) {
      auto column = batch.rows->GetColumnByName(field.name);
      if (column == nullptr) throw std::runtime_error("there is no column '" + field.name + "'");
      columns.push_back(std::move(column));
    }
    Batch narrow = batch;
    narrow.rows = arrow::RecordBatch::Make(target.ArrowSchema(), batch.rows->num_rows(), std::move(columns));
    Must(narrow.rows->ValidateFull());
    mapped.batches.push_back(std::move(narrow));
  }
  return mapped;
}

Batch OneRow(const CollectionSchema& schema, int64_t key, const std::string& text, const std::string& partition) {
  arrow::ArrayVector columns;
  for (const Field& field : schema.fields) {
    auto builder = Must(arrow::MakeBuilder(field.type.Storage()));
    if (field.primary_key) {
      Must(static_cast<arrow::Int64Builder&>(*builder).Append(key));
    } else if (field.name == "string") {
      Must(static_cast<arrow::StringBuilder&>(*builder).Append(text));
    } else {
      Must(builder->AppendEmptyValue());
    }
    columns.push_back(Must(builder->Finish()));
  }
  return {.rows = arrow::RecordBatch::Make(schema.ArrowSchema(), 1, std::move(columns)),
          .partition = partition,
          .position = std::to_string(key)};
}

Rows ReadAll(Source* source, const CollectionSchema& schema, const ReadOptions& options) {
  const std::string preparation = Must(source->Preparation(schema.ref, options.purpose));
  if (!preparation.empty()) Must(source->Prepare(schema.ref, preparation));
  Rows rows{.schema = schema, .batches = {}};
  const Snapshot snapshot = Must(source->OpenSnapshot(schema.ref));
  for (const Split& split : Must(source->PlanSplits(schema, snapshot, options.policy))) {
    auto reader = Must(source->Open(schema, split, snapshot, ""));
    for (Batch& batch : Drain(reader.get(), options.batch_bytes)) rows.batches.push_back(std::move(batch));
  }
  if (!preparation.empty()) Must(source->Restore(schema.ref, preparation));
  return rows;
}

std::vector<Batch> Drain(Reader* reader, int64_t batch_bytes) {
  std::vector<Batch> batches;
  while (auto batch = Must(reader->Next(batch_bytes))) {
    if (batch->rows->num_rows() == 0) throw std::runtime_error("an empty batch");
    batches.push_back(*std::move(batch));
  }
  return batches;
}

testing::AssertionResult SameRows(const Rows& want, const Rows& have) {
  const Rows mapped = MapRows(have, want.schema);
  if (CountRows(want.schema, want.batches) == CountRows(want.schema, mapped.batches)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << have.count() << " rows instead of " << want.count()
                                     << ", differing in:" << DifferingFields(want, mapped);
}

arrow::Result<WriteResult> WriteBatch(Writer* writer, const CollectionSchema& schema, const Batch& batch) {
  HashedRows hashes;
  ARROW_RETURN_NOT_OK(HasherOf(schema).Hash(batch, &hashes));
  return writer->Write(batch, hashes);
}

Digest DigestOf(const CollectionSchema& schema, const std::vector<Batch>& batches) {
  RowHasher hasher = HasherOf(schema);
  Digest digest;
  HashedRows hashes;
  for (const Batch& batch : batches) {
    Must(hasher.Hash(batch, &hashes));
    for (size_t i = 0; i < hashes.rows.size(); ++i) digest.Add(hashes.keys[i], hashes.rows[i]);
  }
  return digest;
}

}  // namespace godwit::conformance
