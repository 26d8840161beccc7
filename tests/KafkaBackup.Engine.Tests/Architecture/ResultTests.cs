using System.Collections;
using System.Reflection;

namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>Results go through Export-Csv, which writes each property's ToString (rule H3).</summary>
public sealed class ResultTests
{
    private static readonly Type[] NoResults =
    [
        typeof(KafkaBackupException),
        typeof(ProgressInfo),
        typeof(RecordQuery),
        typeof(StartOffsets),
    ];

    private static readonly PropertyInfo[] Properties =
    [
        .. from type in typeof(TopicComparison).Assembly.GetExportedTypes()
        where type.Namespace == "KafkaBackup" && !type.Name.EndsWith("Settings", StringComparison.Ordinal) && !NoResults.Contains(type)
        from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        where property.DeclaringType == type && property.GetIndexParameters().Length == 0
        select property,
    ];

    [Fact]
    public void H3_every_time_of_a_result_has_its_twin_in_milliseconds_and_every_such_twin_its_time()
    {
        var times = Properties.Where(p => Bare(p) == typeof(DateTimeOffset)).ToArray();
        Assert.True(times.Length > 20, $"only {times.Length} times");

        Expect.None(
            times.Where(p => p.DeclaringType!.GetProperty(p.Name + "Ms") is not { } twin || Bare(twin) != typeof(long)).Select(Name)
        );
        Expect.None(
            Properties
                .Where(p =>
                    p.Name.EndsWith("Ms", StringComparison.Ordinal)
                    && Bare(p) == typeof(long)
                    && p.DeclaringType!.GetProperty(p.Name[..^2]) is not { }
                )
                .Select(Name)
        );
        Expect.None(Properties.Where(p => Bare(p) == typeof(DateTime)).Select(Name));
    }

    [Fact]
    public void H3_every_list_of_a_result_prints_as_a_short_summary()
    {
        var lists = Properties.Where(p =>
            p.PropertyType != typeof(string)
            && typeof(IEnumerable).IsAssignableFrom(p.PropertyType)
            && !p.DeclaringType!.Name.StartsWith("Item", StringComparison.Ordinal)
        );

        Expect.None(
            lists
                .Where(p =>
                    !p.PropertyType.Name.StartsWith("ItemList", StringComparison.Ordinal)
                    && p.PropertyType != typeof(IReadOnlyDictionary<string, string>)
                )
                .Select(Name)
        );
    }

    private static Type Bare(PropertyInfo property) => Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;

    private static string Name(PropertyInfo property) => $"{property.DeclaringType!.Name}.{property.Name}";
}
