{# One row for each run of models: what `on-run-end` is for. #}
{% macro note_the_run(results) %}
    {%- set models = results | selectattr('node.resource_type', 'equalto', 'model') | list -%}
    {%- if execute and models -%}
        {%- set journal = target.schema ~ '.journal' -%}
        {%- do run_query(
            "create table if not exists " ~ journal ~ " (phase int, models int) location '"
            ~ target.s3_data_dir ~ target.schema ~ "/journal/' tblproperties ('table_type' = 'iceberg')"
        ) -%}
        insert into {{ journal }} values ({{ var('phase') }}, {{ models | length }})
    {%- else -%}
        select 1
    {%- endif -%}
{% endmacro %}

{# What another system delivers: a fresh table and a stale one. For `dbt run-operation`. #}
{% macro deliver_raw() %}
    {%- do run_query("create database if not exists raw") -%}
    {%- for name, loaded_at in [('fresh', 'current_timestamp'), ('stale', "timestamp '2020-01-01 00:00:00 UTC'")] -%}
        {%- do run_query("drop table if exists raw." ~ name) -%}
        {%- do run_query(
            "create table raw." ~ name ~ " with (table_type = 'iceberg', is_external = false, location = '"
            ~ target.s3_data_dir ~ "raw/" ~ name ~ "/" ~ invocation_id ~ "/')"
            ~ " as select 1 as id, cast(" ~ loaded_at ~ " as timestamp(6)) as loaded_at"
        ) -%}
    {%- endfor -%}
{% endmacro %}
