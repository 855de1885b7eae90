"""What the tests of milvus2csv.yaml share: the file, the target that it stands for, and how its output is loaded."""

import json

# As it is printed, but for the values. Without authorisation the server takes any user, password and token.
PRINTED = """milvus:
  host: '127.0.0.1'           # The host address of the Milvus service.
  port: {port}                 # The service port of Milvus.
  user: '<user_name>'         # The username.
  password: '<password>'      # The password.
  db_name: '{database}'       # The database name.
  token: '<token_id>'         # The access token.

export:
  collections:
{collections}
    # - 'hello_milvus'
    # - 'car'
    # - 'medium_articles_with_dynamic'  # Specify the names of all collections that you want to export.
  max_line_in_file: {lines}    # The number of rows per output file. Reduce this value if you have limited memory.
  output_path: './output'     # The destination folder for export. This topic uses ./output as an example.
"""


def config(server, database, collections, lines):
    listed = "\n".join(f"    - {json.dumps(name)}" for name in collections)
    return PRINTED.format(port=server.port, database=database, collections=listed, lines=lines)


def native_job(source, rows_per_file):
    """A godwit.yaml from another source (a flow mapping) to what the dialect makes of its target."""
    return (f"name: job\nsource: {{{source}}}\n"
            "target: {store: files, path: output, format: postgres, delimiter: '|', header: true,\n"
            f"         create_table: true, rows_per_file: {rows_per_file}}}\n")


def load_folder(connection, folder, table=None):
    """As the import script does it, files in text mode included. The name of the table stands as it is, unless told."""
    with connection.cursor() as cursor:
        cursor.execute((folder / "create_table.sql").read_text(encoding="utf-8"))
        for file in folder.glob("*.csv"):
            with open(file, encoding="utf-8") as text, \
                    cursor.copy(f"COPY {table or folder.name} FROM STDIN DELIMITER '|' HEADER") as copy:
                while block := text.read(1 << 20):
                    copy.write(block)
    connection.commit()
